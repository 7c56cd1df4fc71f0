"""A store of tiny models, published once a session and copied for each test."""

import shutil
from pathlib import Path

import pytest

from model_store.store import EnsembleMeasure, Measure, ModelStore
from model_store.store.manifest import Precision, Preprocessing
from tests.unit import tiny_models
from tests.unit.store.samples import REFERENCE


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store's folder; only to be read.

    It holds `first` and `second` (hit rate), `wide` (hit rate, resized to another square), `alarms` (false-alarm rate),
    `small` (hit rate, compact), and the ensemble `default` of first, second and alarms, which `live` stands for.
    """
    store = ModelStore(tmp_path_factory.mktemp("published") / "store")
    tiny_models.publish(store, "first", seed=tiny_models.FIRST)
    compiled = tiny_models.with_executables_of(store.path("first"))
    tiny_models.publish(store, "second", seed=tiny_models.SECOND, check=compiled)
    tiny_models.publish(
        store, "wide", seed=tiny_models.SECOND, check=compiled, preprocessing=Preprocessing(resize=30, crop=16)
    )
    tiny_models.publish(
        store, "alarms", seed=tiny_models.ALARMS, check=compiled, measure=Measure.FALSE_ALARM_RATE, reference=None
    )
    tiny_models.publish(store, "small", seed=tiny_models.FIRST, precision=Precision.COMPACT)
    measures = {
        Measure.HIT_RATE: EnsembleMeasure(members=("first@1", "second@1"), reference=REFERENCE),
        Measure.FALSE_ALARM_RATE: EnsembleMeasure(members=("alarms@1",)),
    }
    store.set_alias("live", store.publish_ensemble("default", measures).ref)
    return store.root


@pytest.fixture
def store(published: Path, tmp_path: Path) -> ModelStore:
    """A copy of the store that the test may change."""
    return ModelStore(shutil.copytree(published, tmp_path / "store"))
