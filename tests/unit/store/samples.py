"""A small model, ready to be published."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from model_store.store import Ensemble, EnsembleMeasure, Manifest, Measure, ModelDescription, ModelStore
from model_store.store.compiled import INDEX_FILE, ExecutableIndex
from model_store.store.hashing import sha256_file
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.manifest import (
    GoldenCase,
    Licence,
    Performance,
    Precision,
    Preprocessing,
    Provenance,
    ReferenceDistribution,
)
from model_store.store.tensors import write_tensors

REFERENCE = ReferenceDistribution(
    quantiles=tuple(0.4 + i / 200 for i in range(101)), n=1000, description="a straight line from 0.4 to 0.9"
)


def describe(measure: Measure = Measure.HIT_RATE, citation: str = "Somebody et al. 2021") -> ModelDescription:
    return ModelDescription(
        measure=measure,
        architecture="resmem",
        architecture_settings={"blocks": 3, "slope": 0.01, "bias": True, "head": "mlp", "seed": None},
        preprocessing=Preprocessing(resize=256, crop=227),
        precision=Precision.FLOAT32,
        licence=Licence(name="CC BY-NC 4.0", url="https://example.org/licence", commercial_use=False),
        citation=citation,
        training_data="LaMem and MemCat",
        provenance=Provenance(
            source="PyPI wheel resmem 1.1.6",
            source_sha256="ab" * 32,
            imported_by="memorability 0.1.0",
            imported_at=datetime.now(UTC),
        ),
        performance=(Performance(dataset="amnet", n=60, spearman=0.5, ci95=(0.3, 0.7), measured_on=date(2026, 1, 2)),),
        reference=REFERENCE,
        golden=(GoldenCase(seed=0, score=0.5, tolerance=1e-6),),
    )


def accept(folder: Path, manifest: Manifest) -> None:
    """Stand in for the golden check of a model that gives the right scores."""


def parameters(value: float = 1.0) -> Mapping[str, np.ndarray]:
    return {"kernel": np.full((5, 7), value, np.float32), "bias": np.full(3, value, np.float16)}


def publish(
    store: ModelStore,
    version: str = "1.0",
    *,
    name: str = "resmem",
    value: float = 1.0,
    measure: Measure = Measure.HIT_RATE,
) -> Manifest:
    with store.draft(name, version) as draft:
        write_tensors(draft.path / PARAMETERS_FILE, parameters(value))
        (draft.path / "extra").mkdir()
        (draft.path / "extra" / "labels.txt").write_text("a label\n")
        return draft.commit(describe(measure), check=accept)


def publish_ensemble(store: ModelStore, *members: str, name: str = "default") -> Ensemble:
    return store.publish_ensemble(name, {Measure.HIT_RATE: EnsembleMeasure(members=members, reference=REFERENCE)})


def litter(root: Path) -> list[Path]:
    """Return what a finished change must not leave behind: every hidden thing but the locks."""
    return [path for path in root.rglob(".*") if path.name != ".lock"]


def write_executables(place: Path, code: str) -> None:
    """Puts an executable and its index into a target's folder."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "score-1").write_text(code)
    index = ExecutableIndex(requires=frozenset(), sha256={"score-1": sha256_file(place / "score-1")})
    (place / INDEX_FILE).write_text(index.model_dump_json())
