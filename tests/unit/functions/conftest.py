"""An upload, a store that serves another model, and a table."""

from pathlib import Path

import pytest

from model_store.store import ModelStore
from tests.unit.functions.fakes import FakeTable
from tests.unit.functions.publishing import (
    WISHES,
    Files,
    upload_files,
)
from tests.unit.store.samples import publish, publish_ensemble


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An upload that wishes to join `default` and to move `live`."""
    return upload_files(tmp_path_factory.mktemp("scratch"), **WISHES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store that serves another model."""
    store = ModelStore(tmp_path / "store")
    publish(store, "1.0")
    store.set_alias("live", publish_ensemble(store, "resmem@1.0").ref)
    return store.root


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()
