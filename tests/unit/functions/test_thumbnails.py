"""Thumbnails beside the records of scored photos; none of their troubles costs a record."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from functions.score.scorer import Rules, UploadScorer
from functions.score.thumbnails import Thumbnails
from functions.score.uploads import find_uploads
from model_store.batches import deleted_batch_item
from model_store.images import DEFAULT_LIMITS
from model_store.runtime.serving import EnsembleServer
from model_store.store import ModelStore
from model_store.uploads import BatchKey, UploadKey
from tests.unit.functions.fakes import FakeObjects, FakeTable, created

KEYS = [f"uploads/acme/spring/{name}" for name in ("a.png", "b.png")]
NOTES = "uploads/acme/spring/notes.txt"


class FakePictures:
    """A bucket in memory; `before_write` is called with every key that is written, before it is."""

    def __init__(self, before_write: Callable[[str], object] = lambda _key: None) -> None:
        self.written: dict[str, tuple[bytes, str]] = {}
        self._before_write = before_write

    def write(self, key: str, content: bytes, media_type: str) -> None:
        self._before_write(key)
        self.written[key] = content, media_type


def photo(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()


@pytest.fixture
def score(store: ModelStore, table: FakeTable) -> Callable[[FakePictures], None]:
    """Scores two photos and a text, and keeps thumbnails in a bucket."""
    content = {key: photo(seed) for seed, key in enumerate(KEYS)} | {NOTES: b"Remember the milk"}
    rules = Rules(DEFAULT_LIMITS, "live", timedelta(days=1))

    def run(pictures: FakePictures) -> None:
        server = EnsembleServer(store)
        scorer = UploadScorer(FakeObjects(content), table, server, rules, thumbnails=Thumbnails(pictures))
        progress = scorer.score(find_uploads(map(created, content), "uploads"))
        assert not progress.faults

    return run


def test_a_scored_photo_has_a_thumbnail_and_a_failed_one_none(
    score: Callable[[FakePictures], None], table: FakeTable
) -> None:
    pictures = FakePictures()
    score(pictures)

    assert sorted(pictures.written) == [f"thumbnails/acme/spring/{name}.jpg" for name in ("a.png", "b.png")]
    for content, media_type in pictures.written.values():
        assert media_type == "image/jpeg"
        with Image.open(io.BytesIO(content)) as small:
            assert (small.format, small.size) == ("JPEG", (480, 320))
    assert [item["status"] for _, item in sorted(table.items.items())] == ["scored", "scored", "failed"]


def test_a_thumbnail_that_cannot_be_written_costs_no_record(
    score: Callable[[FakePictures], None], table: FakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(key: str) -> None:
        raise ConnectionError(f"{key} is refused")

    score(FakePictures(refuse))

    assert len(table.items) == 3
    assert caplog.text.count("has no thumbnail: it could not be written") == 2


def test_a_thumbnail_that_cannot_be_made_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    pictures, nothing = FakePictures(), Image.new("RGB", (0, 0))
    with ThreadPoolExecutor(1) as network:
        Thumbnails(pictures).keep(UploadKey("acme", "spring", "a.png"), network, "a.png", nothing)
    assert not pictures.written
    assert "uploads/acme/spring/a.png has no thumbnail: it could not be made" in caplog.text


def test_photos_of_a_deleted_batch_are_not_scored(score: Callable[[FakePictures], None], table: FakeTable) -> None:
    mark = deleted_batch_item(BatchKey("acme", "spring"), 1, datetime.now(UTC), timedelta(days=1))
    table.items[mark["pk"], mark["sk"]] = mark
    pictures = FakePictures()
    score(pictures)
    assert list(table.items.values()) == [mark]
    assert not pictures.written
