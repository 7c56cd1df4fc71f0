"""Photos of a batch: state, results, ranks, links and heatmaps; and the same as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from functions.api.limits import MAX_FILES
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace, heatmap_item
from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import DoneHeatmap, FailedHeatmap, HeatmapFailure, QueuedHeatmap
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.store import Measure
from model_store.uploads import UploadKey
from tests.http_api import with_query
from tests.unit.functions.api.conftest import World, failed, scored

SUBJECT = HeatmapSubject.of_ensemble("live", Measure.HIT_RATE)


def photos(world: World, batch: str, **query: Any) -> dict[str, dict[str, Any]]:
    answer = world.client.call("GET", with_query(f"/batches/{batch}/photos", **query))
    assert answer.status == 200, answer.body
    return {photo["name"]: photo for photo in answer.json["photos"]}


def keep_heatmap(
    world: World, batch: str, name: str, status: str, version: str = "v1", folder: str | None = None
) -> str:
    """Keeps a heatmap's item; returns the folder of its objects."""
    place = HeatmapPlace(UploadKey("acme", batch, name), SUBJECT, Method.GRADCAM)
    origin = HeatmapOrigin(version, f"order-{version}", Decimal(10**10))
    folder = folder or place.object_keys(origin, ["resmem@1.0"]).overlay.removesuffix("/overlay.png")
    world.table.add(heatmap_item(place, heatmap(name, status, folder), origin))
    return folder


def heatmap(name: str, status: str, folder: str) -> QueuedHeatmap | DoneHeatmap | FailedHeatmap:
    asked: dict[str, Any] = {"file": name, "subject": SUBJECT, "method": Method.GRADCAM}
    if status == "queued":
        return QueuedHeatmap(**asked, request_id="r", requested_at=datetime.now(UTC))
    if status == "failed":
        return FailedHeatmap(**asked, error=HeatmapFailure(code="too_large", message="It is too large."))
    return DoneHeatmap(
        **asked,
        models=("resmem@1.0",),
        measure=Measure.HIT_RATE,
        score=0.8,
        width=40,
        height=30,
        overlay_key=f"{folder}/overlay.png",
        map_key=f"{folder}/map.npz",
        scale=0.01,
    )


def test_a_photo_waits_then_has_its_record_or_its_reason(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg")
    world.score(batch, "a.jpg", 0.81234567)
    world.keep(batch, "b.jpg", failed("b.jpg"))

    found = photos(world, batch)

    assert [photo["state"] for photo in found.values()] == ["scored", "failed", "waiting"]
    assert (found["a.jpg"]["width"], found["a.jpg"]["height"]) == (40, 30)
    assert found["a.jpg"]["thumbnail_url"] == f"https://heatmaps.example/thumbnails/acme/{batch}/a.jpg.jpg"
    assert found["a.jpg"]["photo_url"] == f"https://uploads.example/uploads/acme/{batch}/a.jpg"
    assert found["a.jpg"]["results"] == [
        {
            "ensemble": "default@1",
            "measures": {
                "hit_rate": {
                    "score": 0.812346,
                    "percentile": 50.0,
                    "spread": 0.0,
                    "models": [{"model": "resmem@1.0", "score": 0.812346}],
                    "rank": 1,
                    "tied_with_next": False,
                }
            },
        }
    ]
    assert found["b.jpg"]["error"]["code"] == "empty_file"
    assert found["b.jpg"]["thumbnail_url"] is None
    assert found["c.jpg"]["photo_url"] is None


def test_ranks_are_among_all_photos_whatever_the_page(world: World) -> None:
    batch = world.batch(*(f"{n}.jpg" for n in range(5)))
    for number, score in enumerate([0.5, 0.9, 0.7, 0.9, 0.6]):
        world.score(batch, f"{number}.jpg", score, alarms=score)
    ranks: dict[str, tuple[int, int]] = {}
    cursor = None
    for _ in range(3):
        reads = world.table.reads
        page = world.client.call("GET", with_query(f"/batches/{batch}/photos", limit=2, cursor=cursor)).json
        assert world.table.reads - reads == 1
        for photo in page["photos"]:
            measures = photo["results"][0]["measures"]
            ranks[photo["name"]] = (measures["hit_rate"]["rank"], measures["false_alarm_rate"]["rank"])
        cursor = page["next_cursor"]
    assert cursor is None
    assert list(ranks) == sorted(ranks)
    assert ranks == {"0.jpg": (5, 1), "1.jpg": (1, 4), "2.jpg": (3, 3), "3.jpg": (1, 4), "4.jpg": (4, 2)}


def test_scores_closer_than_their_spread_are_tied(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg")
    for name, score in {"a.jpg": 0.80, "b.jpg": 0.84, "c.jpg": 0.60}.items():
        world.score(batch, name, score, spread=0.03)
    measures = {name: photo["results"][0]["measures"]["hit_rate"] for name, photo in photos(world, batch).items()}
    assert {name: found["rank"] for name, found in measures.items()} == {"b.jpg": 1, "a.jpg": 1, "c.jpg": 3}
    assert [name for name, found in measures.items() if found["tied_with_next"]] == ["b.jpg"]


def test_versions_of_an_ensemble_have_ranks_of_their_own(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    for name, score, ensemble in [
        ("a.jpg", 0.9, "default@1"),
        ("b.jpg", 0.8, "default@2"),
        ("c.jpg", 0.7, "default@1"),
        ("d.jpg", 0.6, "default@2"),
    ]:
        world.score(batch, name, score, ensemble=ensemble)

    results = {name: photo["results"][0] for name, photo in photos(world, batch).items()}
    assert {name: result["measures"]["hit_rate"]["rank"] for name, result in results.items()} == {
        "a.jpg": 1,
        "b.jpg": 1,
        "c.jpg": 2,
        "d.jpg": 2,
    }
    assert [line["photo"] for line in exported(world, batch)] == ["a.jpg", "c.jpg", "b.jpg", "d.jpg"]


def test_results_are_of_the_ensemble_and_measure_that_are_wanted(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg")
    world.score(batch, "a.jpg", 0.8, alarms=0.1)
    world.score(batch, "a.jpg", 0.3, ensemble="other@7")
    world.keep(batch, "b.jpg", failed("b.jpg"))

    everything = photos(world, batch)["a.jpg"]["results"]
    assert [result["ensemble"] for result in everything] == ["default@1", "other@7"]
    other = photos(world, batch, ensemble="other")
    assert [result["ensemble"] for result in other["a.jpg"]["results"]] == ["other@7"]
    assert other["b.jpg"]["state"] == "waiting"
    assert photos(world, batch, ensemble="default@2")["a.jpg"]["state"] == "waiting"
    (result,) = photos(world, batch, ensemble="default@1", measure="false_alarm_rate")["a.jpg"]["results"]
    assert list(result["measures"]) == ["false_alarm_rate"]


def test_a_heatmap_shows_how_far_it_is(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg")
    folders = {}
    for name, status in {"a.jpg": "done", "b.jpg": "queued", "c.jpg": "failed"}.items():
        world.score(batch, name, 0.8)
        folders[name] = keep_heatmap(world, batch, name, status)

    found = {name: photo["heatmaps"][0] for name, photo in photos(world, batch).items()}

    assert found["a.jpg"]["overlay_url"] == f"https://heatmaps.example/{folders['a.jpg']}/overlay.png"
    assert found["a.jpg"]["map_url"] == f"https://heatmaps.example/{folders['a.jpg']}/map.npz"
    assert found["a.jpg"]["subject"] == {"ensemble": "live", "measure": "hit_rate"}
    assert (found["b.jpg"]["status"], found["b.jpg"]["overlay_url"]) == ("queued", None)
    assert found["c.jpg"]["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    ("folder", "is_linked"),
    [
        ("heatmaps/acme/{batch}/a.jpg/ensemble.live.hit_rate/gradcam", True),  # as earlier releases kept them
        ("heatmaps/globex/{batch}/a.jpg/ensemble.live.hit_rate/gradcam/0123", False),
        ("heatmaps/acme/{batch}/a.jpg.png/ensemble.live.hit_rate/gradcam/0123", False),
        ("thumbnails/acme/{batch}", False),
    ],
)
def test_links_are_of_the_photos_own_heatmaps_alone(folder: str, is_linked: bool, world: World) -> None:
    batch = world.batch("a.jpg")
    world.score(batch, "a.jpg", 0.8)
    folder = keep_heatmap(world, batch, "a.jpg", "done", folder=folder.format(batch=batch))
    (found,) = photos(world, batch)["a.jpg"]["heatmaps"]
    assert found["overlay_url"] == (f"https://heatmaps.example/{folder}/overlay.png" if is_linked else None)
    assert found["map_url"] == (f"https://heatmaps.example/{folder}/map.npz" if is_linked else None)


def test_a_heatmap_of_an_earlier_upload_is_not_shown_with_a_later_one(world: World) -> None:
    batch = world.batch("a.jpg")
    keep_heatmap(world, batch, "a.jpg", "done", version="v1")
    world.keep(batch, "a.jpg", scored("a.jpg", 0.7), version="v2")
    assert photos(world, batch)["a.jpg"]["heatmaps"] == []


def test_a_full_batch_comes_in_pages_with_each_photo_once(world: World) -> None:
    names = [f"{number:03}.jpg" for number in range(MAX_FILES)]
    batch = world.batch(*names)
    seen, cursor = [], None
    while True:
        page = world.client.call("GET", with_query(f"/batches/{batch}/photos", limit=100, cursor=cursor)).json
        seen += [photo["name"] for photo in page["photos"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == names


def test_a_page_is_compressed_for_those_who_can_read_it(world: World) -> None:
    batch = world.batch("a.jpg")
    answers = [
        world.client.call("GET", f"/batches/{batch}/photos", accept_encoding=accepted) for accepted in ("gzip, br", "")
    ]
    assert ["content-encoding" in answer.headers for answer in answers] == [True, False]
    assert answers[0].json == answers[1].json


def exported(world: World, batch: str) -> list[dict[str, str]]:
    answer = world.client.call("GET", f"/batches/{batch}/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="memorability-{batch}.csv"'
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


def test_a_table_has_every_result_by_rank(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    world.score(batch, "a.jpg", 0.7, alarms=0.1)
    world.score(batch, "b.jpg", 0.8, alarms=0.2)
    world.keep(batch, "c.jpg", failed("c.jpg"))

    lines = exported(world, batch)

    scored_lines = [line for line in lines if line["state"] == "scored"]
    assert [(line["photo"], line["hit_rate_rank"], line["hit_rate_score"]) for line in scored_lines] == [
        ("b.jpg", "1", "0.8"),
        ("a.jpg", "2", "0.7"),
    ]
    assert (scored_lines[0]["hit_rate_resmem@1.0"], scored_lines[0]["false_alarm_rate_rank"]) == ("0.8", "2")
    by_name = {line["photo"]: line for line in lines}
    assert by_name["c.jpg"]["error_code"] == "empty_file"
    assert by_name["d.jpg"]["state"] == "waiting"


@pytest.mark.parametrize("name", ["=cmd|'!A0.jpg", "+1.jpg", "-1.jpg", "@SUM(A1).jpg", "＝1.jpg", '"=1".jpg'])
def test_no_name_becomes_a_formula(name: str, world: World) -> None:
    batch = world.batch(name)
    world.keep(batch, name, failed(name))
    (line,) = exported(world, batch)
    assert line["photo"].lstrip("'") == name
    assert line["photo"][0] in {"'", '"'}
    assert line["error"][0] in {"'", '"'}


def test_an_expired_batch_shows_nothing(world: World) -> None:
    batch = world.batch("a.jpg")
    world.clock.now += timedelta(days=91)
    assert world.client.call("GET", f"/batches/{batch}/photos").kind == "not-found"
