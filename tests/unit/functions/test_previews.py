"""Heatmaps beside the records of scored photos; none of their troubles costs a record."""

import copy
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image

from functions.score.previews import Previews
from functions.score.scorer import Rules, UploadScorer
from functions.score.uploads import find_uploads
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace, stored_heatmap
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import DoneHeatmap
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.images import DEFAULT_LIMITS
from model_store.items import ORDER, Item, batch_item_key
from model_store.runtime.executables import gradcam_name
from model_store.runtime.serving import EnsembleServer
from model_store.store import Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER
from model_store.uploads import BatchKey, UploadKey
from tests.unit.functions.fakes import FakeObjects, FakeTable, created

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEYS = ["uploads/acme/spring/a.png", "uploads/acme/spring/b.png", "uploads/acme/autumn/c.png"]
NOTES = "uploads/acme/spring/notes.txt"
HIT_RATE = HeatmapSubject.of_ensemble("default@1", Measure.HIT_RATE)


class FakeHeatmapTable(FakeTable):
    """A table in memory that takes heatmaps, too."""

    def put_unless_done(self, item: Item, *, only_replace: bool = False) -> bool:
        present = self.items.get((item["pk"], item["sk"]))
        if (present and (present[ORDER], present["status"]) >= (item[ORDER], "done")) or (only_replace and not present):
            return False
        self.items[item["pk"], item["sk"]] = item
        return True

    def heatmaps(self) -> list[DoneHeatmap]:
        found = (stored_heatmap(item) for item in self.items.values())
        return [kept.record for kept in found if kept and isinstance(kept.record, DoneHeatmap)]


class FakePictures:
    """A bucket in memory."""

    def __init__(self, before_write: Callable[[str], object] = lambda _key: None) -> None:
        self.written: dict[str, bytes] = {}
        self._before_write = before_write

    def write(self, key: str, content: bytes, media_type: str) -> None:
        self._before_write(key)
        self.written[key] = content


def photo(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def table() -> FakeHeatmapTable:
    """Batch `spring` asks for previews and goes in two days; `autumn` asks for none."""
    table = FakeHeatmapTable()
    expires = Decimal(int((NOW + timedelta(days=2)).timestamp()))
    for name, wanted in (("spring", True), ("autumn", False)):
        key = batch_item_key(BatchKey("acme", name))
        table.items[key["pk"], key["sk"]] = key | {"preview_heatmaps": wanted, "expires_at": expires}
    return table


def score(store: ModelStore, table: FakeHeatmapTable, pictures: FakePictures, order: str = "1") -> None:
    """Scores three photos of two batches and a text."""
    content = {key: photo(seed) for seed, key in enumerate(KEYS)} | {NOTES: b"Remember the milk"}
    rules = Rules(DEFAULT_LIMITS, "live", retention=timedelta(days=30))
    scorer = UploadScorer(
        FakeObjects(content),
        table,
        EnsembleServer(store),
        rules,
        clock=lambda: NOW,
        previews=lambda: Previews(pictures, table),
    )
    progress = scorer.score(find_uploads([created(key, order=order) for key in content], "uploads"))
    assert (progress.scored, progress.failed, progress.faults) == (3, 1, {})


def records(table: FakeHeatmapTable) -> list[Item]:
    return [item for item in table.items.values() if item["sk"].startswith("PHOTO#")]


def test_scored_photos_of_a_batch_that_asks_have_heatmaps_of_every_measure(
    store: ModelStore, table: FakeHeatmapTable
) -> None:
    pictures = FakePictures()
    score(store, table, pictures)

    found = {(heatmap.file, heatmap.measure): heatmap for heatmap in table.heatmaps()}
    assert found.keys() == {(name, measure) for name in ("a.png", "b.png") for measure in Measure}
    heatmap = found["a.png", Measure.HIT_RATE]
    assert heatmap.models == ("first@1", "second@1")
    place = HeatmapPlace(UploadKey.parse(KEYS[0]), HIT_RATE, Method.GRADCAM)
    keys = place.object_keys(HeatmapOrigin(None, "1", Decimal(0)), heatmap.models)
    assert (heatmap.overlay_key, heatmap.map_key) == (keys.overlay, keys.map)
    with Image.open(io.BytesIO(pictures.written[heatmap.overlay_key])) as overlay:
        assert (overlay.mode, overlay.size) == ("RGBA", (90, 60))
    photo_map, figures = PhotoMap.from_npz(pictures.written[heatmap.map_key])
    assert figures == json.loads(heatmap.to_json())
    (record,) = (item for item in records(table) if item["file"] == "a.png")
    assert photo_map.score == pytest.approx(float(record["measures"]["hit_rate"]["score"]))
    assert len({heatmap.scale for heatmap in found.values() if heatmap.measure is Measure.HIT_RATE}) == 1


def test_heatmaps_go_with_their_batch_and_are_of_the_upload_that_was_scored(
    store: ModelStore, table: FakeHeatmapTable
) -> None:
    score(store, table, FakePictures())
    item = table.items[tuple(HeatmapPlace(UploadKey.parse(KEYS[0]), HIT_RATE, Method.GRADCAM).item_key.values())]
    assert item["expires_at"] == Decimal(int((NOW + timedelta(days=2)).timestamp()))
    assert item[ORDER] == "1"


def test_heatmaps_of_a_later_upload_lie_beside_those_of_an_earlier_one(
    store: ModelStore, table: FakeHeatmapTable
) -> None:
    pictures = FakePictures()
    score(store, table, pictures)
    earlier = dict(pictures.written)
    score(store, table, pictures, order="2")
    assert len(pictures.written) == 2 * len(earlier) > 0
    assert {heatmap.overlay_key for heatmap in table.heatmaps()}.isdisjoint(earlier)
    assert {key: pictures.written[key] for key in earlier} == earlier


@pytest.mark.parametrize(("then", "has_heatmaps"), [("1", True), ("0", False)])
def test_heatmaps_are_not_of_an_earlier_upload_than_the_record(
    then: str, has_heatmaps: bool, store: ModelStore, table: FakeHeatmapTable
) -> None:
    score(store, table, FakePictures())
    before, pictures = copy.deepcopy(table.items), FakePictures()
    score(store, table, pictures, then)
    assert bool(pictures.written) is has_heatmaps
    assert table.items == before


def test_a_preview_that_cannot_be_written_costs_no_record(
    store: ModelStore, table: FakeHeatmapTable, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(key: str) -> None:
        if "a.png" in key:
            raise ConnectionError(f"{key} is refused")

    score(store, table, FakePictures(refuse))

    assert len(records(table)) == 4
    assert {heatmap.file for heatmap in table.heatmaps()} == {"b.png"}
    assert "uploads/acme/spring/a.png has no preview: it could not be kept" in caplog.text


def test_models_that_were_compiled_without_gradcam_score_and_say_why_there_are_no_previews(
    store: ModelStore, table: FakeHeatmapTable, caplog: pytest.LogCaptureFixture
) -> None:
    for place in (store.path("first") / COMPILED_FOLDER).iterdir():
        index = json.loads((place / "index.json").read_text())
        index["sha256"] = {name: digest for name, digest in index["sha256"].items() if name != gradcam_name(4)}
        (place / "index.json").write_text(json.dumps(index))

    score(store, table, FakePictures())

    assert len(records(table)) == 4
    assert not table.heatmaps()
    assert "default@1 gives no previews" in caplog.text
    assert "lacks gradcam-clouds-4" in caplog.text
