"""A model that PyTorch wrote in small, as an index would publish it, and the ways into a store.

The wheel is served over HTTP, the checkpoint is `vitmem_tiny.pth`, and the scores that a version must give were written
down by PyTorch (tests/reference/record_vitmem.py).
"""

import hashlib
import io
import zipfile
from dataclasses import asdict
from pathlib import Path

from model_store.importing.published import (
    Catalogue,
    PublishedModel,
    WheelSource,
    published_model,
)
from model_store.importing.pulling import Imported, import_file, pull
from model_store.store import Measure, ModelStore
from model_store.store.manifest import Precision
from tests.reference.seeded_vit import TINY
from tests.unit import tiny_models
from tests.unit.store.samples import REFERENCE, litter

REFERENCE_FOLDER = Path(__file__).parents[1] / "models" / "reference"
CHECKPOINT = REFERENCE_FOLDER / "vitmem_tiny.pth"
CHECKPOINT_BYTES = CHECKPOINT.read_bytes()
WHEEL_NAME = "tiny_model-0.1-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tiny/__init__.py", "raise RuntimeError('the package must never run')")
        wheel.writestr("tiny/model.pt", CHECKPOINT_BYTES)
    return file.getvalue()


WHEEL = make_wheel()
TINY_MODEL = PublishedModel(
    name="vitmem",
    version="0.1",
    measure=Measure.HIT_RATE,
    architecture_settings=asdict(TINY),
    preprocessing=tiny_models.PREPROCESSING,
    citation="Somebody 2026",
    training_data="nothing: the weights are drawn from a seed",
    licence=tiny_models.NON_COMMERCIAL,
    reference=REFERENCE,
    wheel=WheelSource(
        project="tiny-model",
        version="0.1",
        filename=WHEEL_NAME,
        bytes=len(WHEEL),
        sha256=sha256(WHEEL),
        checkpoint="tiny/model.pt",
        checkpoint_sha256=sha256(CHECKPOINT_BYTES),
    ),
)


def only(model: PublishedModel) -> Catalogue:
    """A catalogue of one model."""

    def find(name: str) -> PublishedModel:
        return model if name == model.name else published_model(name)

    return find


def ignore(_step: str, _done: int, _total: int | None) -> None:
    """A `Report` to nobody."""


class Steps:
    """A `Report` that remembers."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, step: str, _done: int, _total: int | None) -> None:
        if step not in self.names[-1:]:
            self.names.append(step)


def pull_tiny(
    store: ModelStore, cache: Path, model: PublishedModel = TINY_MODEL, precision: Precision = Precision.FLOAT32
) -> Imported:
    return pull(store, "vitmem", cache, precision, ignore, only(model))


def import_tiny(
    store: ModelStore, file: Path | None, cache: Path, model: PublishedModel = TINY_MODEL, version: str | None = None
) -> Imported:
    return import_file(store, "vitmem", file, cache, Precision.FLOAT32, ignore, version, only(model))


def assert_nothing_was_published(store: ModelStore) -> None:
    assert store.models().items == ()
    assert store.ensembles().items == ()
    assert store.aliases() == {}
    assert litter(store.root) == []
