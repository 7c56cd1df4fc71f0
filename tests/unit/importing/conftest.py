from collections.abc import Iterator

import pytest

from tests.unit.importing.servers import Index, index_server


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """A running index that is the configured one; no proxy stands before it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with index_server() as running:
        monkeypatch.setenv("MEMORABILITY_INDEX_URL", running.simple)
        yield running
