"""Thumbnails beside the records of scored photos; none of their troubles costs a record."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from functions.score.scorer import Rules, UploadScorer
from functions.score.thumbnails import Thumbnails
from functions.score.uploads import find_uploads
from model_store.batches import deleted_batch_item
from model_store.images import DEFAULT_LIMITS
from model_store.images.thumbnails import thumbnail
from model_store.runtime.serving import EnsembleServer
from model_store.store import ModelStore
from model_store.uploads import BatchKey, UploadKey
from tests.unit.functions.fakes import FakeObjects, FakeTable, created

KEYS = [f"uploads/acme/spring/{name}" for name in ("a.png", "b.png")]
NOTES = "uploads/acme/spring/notes.txt"


class Versions(FakeObjects):
    """A bucket in memory, of versions of objects: `KEY?VERSION`."""

    def read(self, key: str, version_id: str | None, max_bytes: int) -> tuple[int, bytes]:
        return super().read(f"{key}?{version_id}", None, max_bytes)


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
def score(store: ModelStore, table: FakeTable) -> Callable[..., None]:
    """Scores two photos and a text, and keeps thumbnails in a bucket."""
    content = {key: photo(seed) for seed, key in enumerate(KEYS)} | {NOTES: b"Remember the milk"}
    rules = Rules(DEFAULT_LIMITS, "live", timedelta(days=1))

    def run(pictures: FakePictures, order: str = "1") -> None:
        server = EnsembleServer(store)
        scorer = UploadScorer(FakeObjects(content), table, server, rules, thumbnails=Thumbnails(pictures))
        progress = scorer.score(find_uploads([created(key, order=order) for key in content], "uploads"))
        assert not progress.faults

    return run


def test_a_scored_photo_has_a_thumbnail_and_a_failed_one_none(score: Callable[..., None], table: FakeTable) -> None:
    pictures = FakePictures()
    score(pictures)

    assert sorted(pictures.written) == [f"thumbnails/acme/spring/{name}.jpg" for name in ("a.png", "b.png")]
    for content, media_type in pictures.written.values():
        assert media_type == "image/jpeg"
        with Image.open(io.BytesIO(content)) as small:
            assert (small.format, small.size) == ("JPEG", (480, 320))
    assert [item["status"] for _, item in sorted(table.items.items())] == ["scored", "scored", "failed"]


def test_a_thumbnail_that_cannot_be_written_costs_no_record(
    score: Callable[..., None], table: FakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(key: str) -> None:
        raise ConnectionError(f"{key} is refused")

    score(FakePictures(refuse))

    assert len(table.items) == 3
    assert caplog.text.count("has no thumbnail: it could not be written") == 2


def test_a_thumbnail_that_cannot_be_made_costs_no_record(caplog: pytest.LogCaptureFixture) -> None:
    nothing = Image.new("RGB", (0, 0))
    assert Thumbnails(FakePictures()).make(UploadKey("acme", "spring", "a.png"), nothing) is None
    assert "uploads/acme/spring/a.png has no thumbnail: it could not be made" in caplog.text


@pytest.mark.parametrize(("first", "then", "has_thumbnails"), [("1", "2", True), ("1", "1", True), ("2", "1", False)])
def test_a_thumbnail_is_of_the_upload_whose_record_is_there(
    first: str, then: str, has_thumbnails: bool, score: Callable[..., None]
) -> None:
    score(FakePictures(), first)
    pictures = FakePictures()
    score(pictures, then)
    assert (len(pictures.written) == len(KEYS)) is has_thumbnails
    assert bool(pictures.written) is has_thumbnails


def test_of_two_uploads_of_a_name_in_one_call_the_later_one_has_the_thumbnail(
    store: ModelStore, table: FakeTable
) -> None:
    photos = Versions({f"{KEYS[0]}?1": photo(0), f"{KEYS[0]}?2": photo(1)})
    written: list[str] = []
    pictures = FakePictures(written.append)
    rules = Rules(DEFAULT_LIMITS, "live", timedelta(days=1))
    scorer = UploadScorer(photos, table, EnsembleServer(store), rules, thumbnails=Thumbnails(pictures))

    events = [replace(created(KEYS[0], order=order), version_id=order) for order in ("1", "2", "1")]
    scorer.score(find_uploads(events, "uploads"))

    (key,) = written
    with Image.open(io.BytesIO(photo(1))) as later:
        assert pictures.written[key][0] == thumbnail(later)


def test_a_thumbnail_comes_after_its_record(score: Callable[..., None], table: FakeTable) -> None:
    def check(key: str) -> None:
        name = key.removeprefix("thumbnails/acme/spring/").removesuffix(".jpg")
        seen.append(any(f"#{name}#" in sort_key for _, sort_key in table.items))

    seen: list[bool] = []
    score(FakePictures(check))
    assert seen == [True, True]


def test_photos_of_a_deleted_batch_are_not_scored(score: Callable[..., None], table: FakeTable) -> None:
    mark = deleted_batch_item(BatchKey("acme", "spring"), 1, datetime.now(UTC), timedelta(days=1))
    table.items[mark["pk"], mark["sk"]] = mark
    pictures = FakePictures()
    score(pictures)
    assert list(table.items.values()) == [mark]
    assert not pictures.written
