"""What the manifest of a trained model says: inherited terms, measured performance, percentiles, golden cases."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version as installed_version

import numpy as np

from model_store.golden import golden_image
from model_store.importing.importer import GOLDEN_SEEDS, GOLDEN_TOLERANCE
from model_store.runtime.loading import load_model
from model_store.store import Manifest, Measure, ModelDescription, ModelStore
from model_store.store.manifest import (
    QUANTILES,
    GoldenCase,
    Licence,
    Performance,
    Precision,
    Provenance,
    ReferenceDistribution,
)
from training.data import Dataset
from training.evaluation.metrics import Values
from training.heads.fitting import ARCHITECTURE, TrainedHeads
from training.runs import Figures


def describe_heads(
    store: ModelStore,
    trunks: Sequence[Manifest],
    heads: TrainedHeads,
    dataset: Dataset,
    measure: Measure,
    performance: Sequence[Performance],
) -> ModelDescription:
    """The description of heads, without reference distribution and calibration.

    Args:
        store: which holds the trunks.
        trunks: whose features they read.
        heads: as they are going to be served.
        dataset: which they were trained on.
        measure: what its scores are.
        performance: measured on photos that they did not see.
    """
    return ModelDescription(
        measure=measure,
        architecture=ARCHITECTURE,
        architecture_settings=dict(heads.settings),
        trunks=tuple(trunk.ref for trunk in trunks),
        preprocessing=trunks[0].preprocessing,
        precision=Precision.COMPACT,
        licence=inherited_licence(trunks),
        citation=" ".join(dict.fromkeys(trunk.citation for trunk in trunks if trunk.citation)),
        training_data=f"{dataset.name}, {len(dataset.examples):,} photos with scores; the trunks: "
        + "; ".join(dict.fromkeys(trunk.training_data for trunk in trunks)),
        provenance=Provenance(
            source=f"heads on {', '.join(trunk.ref for trunk in trunks)}, trained on {dataset.name}",
            source_sha256=dataset_digest(dataset),
            imported_by=f"memorability {installed_version('memorability')}",
            imported_at=datetime.now(UTC),
        ),
        performance=tuple(performance),
        golden=_golden_cases(store, trunks, heads),
    )


def inherited_licence(trunks: Sequence[Manifest]) -> Licence:
    """The terms of all trunks together."""
    return join_licences(
        [trunk.licence for trunk in trunks], "Inherited from the networks whose features the model reads."
    )


def join_licences(licences: Sequence[Licence], why: str) -> Licence:
    """Several terms that hold at once: commercial use is free only where each of them allows it.

    Args:
        licences: of all that the model was made of.
        why: they hold, a sentence.
    """
    licences = list(dict.fromkeys(licences))
    texts = [f"{licence.name}: {licence.text}" for licence in licences if licence.text]
    return Licence(
        name=" and ".join(dict.fromkeys(licence.name for licence in licences)),
        url=licences[0].url if len(licences) == 1 else None,
        commercial_use=all(licence.commercial_use for licence in licences),
        text=" ".join([why, *texts]),
    )


def dataset_digest(dataset: Dataset) -> str:
    """SHA-256 of what a data set says: its photos' digests and scores, in order."""
    lines = (f"{example.sha256} {example.score!r}\n" for example in dataset.examples)
    return sha256("".join(lines).encode()).hexdigest()


def performance_on(dataset: str, agreement: Figures) -> Performance:
    """A measured agreement as manifests have it."""
    return Performance(
        dataset=dataset,
        n=agreement.n,
        spearman=agreement.spearman,
        ci95=agreement.ci95,
        measured_on=datetime.now(UTC).date(),
    )


def reference_of(scores: Values, description: str) -> ReferenceDistribution:
    """The distribution of scores, as percentiles are looked up in."""
    quantiles = np.maximum.accumulate(np.quantile(scores, np.linspace(0, 1, QUANTILES)))
    return ReferenceDistribution(quantiles=tuple(quantiles.tolist()), n=len(scores), description=description)


def _golden_cases(store: ModelStore, trunks: Sequence[Manifest], heads: TrainedHeads) -> tuple[GoldenCase, ...]:
    images = np.stack([golden_image(seed, trunks[0].preprocessing.crop) for seed in GOLDEN_SEEDS])
    models = (load_model(store.path(trunk.ref), trunk, with_features=True) for trunk in trunks)
    scores = heads.predict([model.see(images)[1] for model in models]).mean(axis=1).tolist()
    tolerance = GOLDEN_TOLERANCE[Precision.COMPACT]
    cases = zip(GOLDEN_SEEDS, scores, strict=True)
    return tuple(GoldenCase(seed=seed, score=score, tolerance=tolerance) for seed, score in cases)
