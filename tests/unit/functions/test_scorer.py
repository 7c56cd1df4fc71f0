"""Uploads become records: what is scored together, with which version, and what an ensemble in trouble costs."""

import io
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from functions.score.scorer import Rules, UploadScorer
from functions.score.uploads import Upload, find_uploads
from model_store.images import DEFAULT_LIMITS
from model_store.items import Item
from model_store.runtime.serving import EnsembleServer
from model_store.store import ModelStore
from model_store.store.layout import PARAMETERS_FILE
from tests.unit.functions.fakes import FakeObjects, FakeTable, created

RULES = Rules(DEFAULT_LIMITS, "live", timedelta(days=1))


class Clock:
    """Seconds, set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()


def photo(seed: int = 0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def uploads(*names: str, order: str = "1") -> list[Upload]:
    return find_uploads([created(f"uploads/acme/spring/{name}", order=order) for name in names], "uploads")


def bucket(*names: str, on_read: Callable[[str], object] = lambda _key: None) -> FakeObjects:
    return FakeObjects({f"uploads/acme/spring/{name}": photo(seed) for seed, name in enumerate(names)}, on_read)


def ensembles_of(table: FakeTable) -> list[str]:
    return [item["ensemble"] for item in table.items.values() if item.get("ensemble")]


def test_a_moved_alias_is_followed_after_half_a_minute(store: ModelStore, clock: Clock, table: FakeTable) -> None:
    scorer = UploadScorer(bucket("a.png"), table, EnsembleServer(store, clock=clock), RULES)
    seen = []
    for order, now in enumerate([0, 29.9, 30]):
        clock.now = now
        scorer.score(uploads("a.png", order=str(order)))
        seen += ensembles_of(table)
        store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
    assert seen == ["default@1", "default@1", "default@2"]


def test_a_switch_under_way_mixes_no_versions_in_one_call(store: ModelStore, clock: Clock, table: FakeTable) -> None:
    def switch(_key: str) -> None:
        store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
        clock.now += 31

    names = ["a.png", "b.png", "c.png"]
    server = EnsembleServer(store, clock=clock)
    server.get("live")
    scorer = UploadScorer(bucket(*names, on_read=switch), table, server, RULES)

    scorer.score(uploads(*names))

    by_members = {
        (item["ensemble"], tuple(model["model"] for model in item["measures"]["hit_rate"]["models"]))
        for item in table.items.values()
    }
    assert len(table.items) == 3
    assert by_members == {("default@2", ("first@1", "second@1", "wide@1"))}


def test_a_corrupt_version_is_refused_while_the_old_one_serves(
    store: ModelStore, clock: Clock, table: FakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    refused: list[tuple[str, str]] = []
    server = EnsembleServer(store, clock=clock, on_refusal=lambda ref, error: refused.append((ref, str(error))))
    scorer = UploadScorer(bucket("a.png"), table, server, RULES)
    scorer.score(uploads("a.png", order="1"))
    store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
    flip_a_byte(store, "wide")
    clock.now = 31

    progress = scorer.score(uploads("a.png", order="2"))

    assert (progress.scored, progress.unchanged, progress.faults) == (1, 0, {})
    assert ensembles_of(table) == ["default@1"]
    ((serving, reason),) = refused
    assert serving == "default@1"
    assert "wide@1 is refused: params.safetensors has the SHA-256" in reason
    assert "default@2 cannot be served, so default@1 goes on" in caplog.text


def test_a_store_without_anything_to_serve_is_a_fault_of_ours(store: ModelStore, table: FakeTable) -> None:
    flip_a_byte(store, "first")
    scorer = UploadScorer(bucket("a.png"), table, EnsembleServer(store), RULES)

    progress = scorer.score(uploads("a.png"))

    assert not table.items
    assert list(progress.faults) == uploads("a.png")


def test_two_versions_of_one_ensemble_in_a_batch_are_one_too_many(
    store: ModelStore, table: FakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    store.join_ensemble("default", store.manifest("wide"))
    asked: Item = {"pk": "TENANT#acme#BATCH#spring", "sk": "BATCH", "ensembles": ["default@1", "default@2"]}
    table.put_newer(asked | {"event_order": ""})
    scorer = UploadScorer(bucket("a.png"), table, EnsembleServer(store), RULES)

    progress = scorer.score(uploads("a.png"))

    assert (progress.scored, progress.faults) == (1, {})
    assert ensembles_of(table) == ["default@1"]
    assert "default@2 is left out" in caplog.text


def test_no_uploads_ask_for_nothing(store: ModelStore, table: FakeTable) -> None:
    progress = UploadScorer(bucket(), table, EnsembleServer(ModelStore(store.root / "none")), RULES).score([])
    assert (progress.scored, progress.missing, progress.faults) == (0, 0, {})


def flip_a_byte(store: ModelStore, model: str) -> None:
    path = store.path(model) / PARAMETERS_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()  # the map of a process that has the file open keeps what it has
    path.write_bytes(content)
