"""What the manifest of a fine-tuned network says: the architecture and the terms of the one that it began with."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as installed_version

import numpy as np

from model_store.golden import golden_image
from model_store.importing.importer import GOLDEN_SEEDS, GOLDEN_TOLERANCE
from model_store.store import Manifest, Measure, ModelDescription
from model_store.store.manifest import GoldenCase, Performance, Provenance, ReferenceDistribution
from training.data import Dataset
from training.describing import dataset_digest
from training.fine_tuning.network import scores_as_served


def describe_network(
    trunk: Manifest,
    parameters: Mapping[str, np.ndarray],
    dataset: Dataset,
    measure: Measure,
    performance: Sequence[Performance],
    reference: ReferenceDistribution,
) -> ModelDescription:
    """The description of a fine-tuned network.

    Args:
        trunk: the published network that it began with, whose precision of storage and terms it keeps.
        parameters: by path, as they are stored and widened.
        dataset: photos that the run trained or measured on, those of a test split left out.
        measure: what its scores are.
        performance: measured on photos that it did not see.
        reference: of its scores.
    """
    return ModelDescription(
        measure=measure,
        architecture=trunk.architecture,
        architecture_settings=trunk.architecture_settings,
        fine_tuned_from=trunk.ref,
        preprocessing=trunk.preprocessing,
        precision=trunk.precision,
        licence=trunk.licence,
        citation=trunk.citation,
        training_data=f"{dataset.name}, {len(dataset.examples):,} photos with scores; before: {trunk.training_data}",
        provenance=Provenance(
            source=f"{trunk.ref}, fine-tuned on {dataset.name}",
            source_sha256=dataset_digest(dataset),
            imported_by=f"memorability {installed_version('memorability')}",
            imported_at=datetime.now(UTC),
        ),
        performance=tuple(performance),
        reference=reference,
        golden=_golden_cases(trunk, parameters),
    )


def _golden_cases(trunk: Manifest, parameters: Mapping[str, np.ndarray]) -> tuple[GoldenCase, ...]:
    images = np.stack([golden_image(seed, trunk.preprocessing.crop) for seed in GOLDEN_SEEDS])
    scores = scores_as_served(trunk.architecture, trunk.architecture_settings, parameters, images)
    tolerance = GOLDEN_TOLERANCE[trunk.precision]
    cases = zip(GOLDEN_SEEDS, scores, strict=True)
    return tuple(GoldenCase(seed=seed, score=score, tolerance=tolerance) for seed, score in cases)
