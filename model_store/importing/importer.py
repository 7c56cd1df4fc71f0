"""A checkpoint becomes a published version: read, converted, stored, compiled, tried on golden cases, made visible."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np

from model_store.golden import golden_image
from model_store.importing.published import PublishedModel
from model_store.models import registry
from model_store.models.checkpoints import CheckpointError, flatten, read_checkpoint, unflatten
from model_store.models.precision import compact
from model_store.runtime.compiling import compile_and_try
from model_store.store import Manifest, ModelDescription, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.manifest import GoldenCase, Precision, Provenance
from model_store.store.tensors import write_tensors

Report = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and how much there is, None where that is unknown."""

# How far a golden score may be off: rounding of another CPU's instructions, or what compact storage may cost.
GOLDEN_TOLERANCE = {Precision.FLOAT32: 1e-4, Precision.COMPACT: 5e-4}
GOLDEN_SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Checkpoint:
    """A PyTorch checkpoint on disk.

    Attributes:
        path: the file.
        source: where it came from, for people.
        sha256: of what was fetched or given, in hexadecimal.
    """

    path: Path
    source: str
    sha256: str


def version_name(published: PublishedModel, precision: Precision) -> str:
    """Version under which a published model is stored; compact storage is the default and goes without saying."""
    return published.version if precision is Precision.COMPACT else f"{published.version}-{precision}"


def import_checkpoint(
    store: ModelStore, published: PublishedModel, checkpoint: Checkpoint, precision: Precision, report: Report
) -> Manifest:
    """Publishes a checkpoint as `name@version`, or returns the version if it is there with the same content.

    Raises:
        CheckpointError: the checkpoint is unreadable, asks for more than tensors, or does not fit.
        GoldenCaseError: the converted model does not give the scores it must give.
        StoreError: the store cannot be written, or holds another content under that version.
    """
    report(f"Reading {checkpoint.path.name}", 0, None)
    params = _convert(published, checkpoint)
    golden = _golden_cases(published, params, precision)
    with store.draft(published.name, version_name(published, precision)) as draft:
        report("Writing parameters", 0, None)
        write_tensors(draft.path / PARAMETERS_FILE, compact(params) if precision is Precision.COMPACT else params)
        report("Compiling, and trying the golden cases", 0, None)
        return draft.commit(_describe(published, checkpoint, precision, golden), check=compile_and_try)


def _convert(published: PublishedModel, checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    module = registry.build(published.name, published.architecture_settings)
    state = read_checkpoint(checkpoint.path)
    crop = published.preprocessing.crop
    params = dict(flatten(registry.convert(published.name, state, module, crop, checkpoint.path.name)))
    if diverged := [path for path, value in params.items() if not np.isfinite(value).all()]:
        raise CheckpointError(
            f"{checkpoint.path.name} is refused: values in it are not finite: {', '.join(diverged)}. It was saved "
            "after training had diverged; import an earlier checkpoint."
        )
    return params


def _golden_cases(
    published: PublishedModel, params: Mapping[str, np.ndarray], precision: Precision
) -> tuple[GoldenCase, ...]:
    """The published package's own scores where they are known, else those of the plain network in float32."""
    known = [(case.seed, case.score) for case in published.golden]
    scores = known or list(zip(GOLDEN_SEEDS, _plain_scores(published, params), strict=True))
    tolerance = GOLDEN_TOLERANCE[precision]
    return tuple(GoldenCase(seed=seed, score=score, tolerance=tolerance) for seed, score in scores)


def _plain_scores(published: PublishedModel, params: Mapping[str, np.ndarray]) -> list[float]:
    import jax

    module = registry.build(published.name, published.architecture_settings)
    images = np.stack([golden_image(seed, published.preprocessing.crop) for seed in GOLDEN_SEEDS])
    scores: list[float] = jax.jit(module.apply)({"params": unflatten(params)}, images).tolist()
    return scores


def _describe(
    published: PublishedModel, checkpoint: Checkpoint, precision: Precision, golden: tuple[GoldenCase, ...]
) -> ModelDescription:
    return ModelDescription(
        measure=published.measure,
        architecture=published.name,
        architecture_settings=published.architecture_settings,
        preprocessing=published.preprocessing,
        precision=precision,
        licence=published.licence,
        citation=published.citation,
        training_data=published.training_data,
        provenance=Provenance(
            source=checkpoint.source,
            source_sha256=checkpoint.sha256,
            imported_by=f"memorability {installed_version('memorability')}",
            imported_at=datetime.now(UTC),
        ),
        performance=published.performance,
        reference=published.reference,
        golden=golden,
    )
