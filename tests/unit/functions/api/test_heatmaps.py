"""Requests of heatmaps: what is noted, what is sent, and what is refused."""

from typing import Any

import pytest

from functions.api.limits import MAX_HEATMAP_PHOTOS, MAX_HEATMAP_SUBJECTS
from model_store.store import ModelStore
from tests.unit.functions.api.conftest import World, build, failed
from tests.unit.store.samples import publish_ensemble

ENSEMBLE = {"ensemble": "live", "measure": "hit_rate"}
WISH = {"photos": ["a.jpg", "b.jpg"], "subjects": [ENSEMBLE, {"model": "resmem"}], "methods": ["gradcam", "occlusion"]}


@pytest.fixture
def batch(world: World) -> str:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    world.score(batch, "a.jpg", 0.8)
    world.score(batch, "b.jpg", 0.7)
    world.keep(batch, "c.jpg", failed("c.jpg"))
    return batch


def request(world: World, batch: str, **changes: Any) -> Any:
    return world.client.call("POST", f"/batches/{batch}/heatmaps", WISH | changes)


def test_each_subject_of_each_photo_by_each_method_is_noted_and_sent(world: World, batch: str) -> None:
    answer = request(world, batch)

    assert answer.status == 202
    assert [asked["status"] for asked in answer.json["requests"]] == ["queued"] * 8
    assert len(world.queue.jobs) == 8
    first = world.queue.jobs[0]
    assert (first.tenant, first.batch, first.filename, first.object_version) == ("acme", batch, "a.jpg", "v1")
    assert {job.request_id for job in world.queue.jobs} == {first.request_id}
    (item,) = [world.table.get(first.place.item_key)]
    assert item is not None
    assert (item["status"], item["event_order"], item["request_id"]) == ("queued", "order-v1", str(first.request_id))


def test_what_is_done_is_not_made_again_and_what_waits_is_sent_again(world: World, batch: str) -> None:
    request(world, batch)
    done = world.queue.jobs[0].place.item_key
    world.table.items[done["pk"], done["sk"]]["status"] = "done"
    world.queue.jobs.clear()

    answer = request(world, batch)

    assert [asked["status"] for asked in answer.json["requests"]] == ["done"] + ["queued"] * 7
    assert len(world.queue.jobs) == 7


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"photos": ["c.jpg", "a.jpg", "d.jpg", "z.jpg"]}, ["body/photos/0", "body/photos/2", "body/photos/3"]),
        ({"photos": []}, ["body/photos"]),
        ({"photos": ["a.jpg", "a.jpg"]}, ["body/photos"]),
        ({"photos": ["../../b/a.jpg"]}, ["body/photos/0"]),
        ({"photos": [f"{number}.jpg" for number in range(MAX_HEATMAP_PHOTOS + 1)]}, ["body/photos"]),
        ({"subjects": []}, ["body/subjects"]),
        ({"subjects": [ENSEMBLE, ENSEMBLE]}, ["body/subjects"]),
        ({"subjects": [{"model": "unheard-of"}, {"model": "resmem@9"}]}, ["body/subjects/0", "body/subjects/1"]),
        ({"subjects": [{"ensemble": "nobody", "measure": "hit_rate"}]}, ["body/subjects/0"]),
        ({"subjects": [{"ensemble": "live"}]}, ["body/subjects/0"]),
        ({"subjects": [{"model": "../resmem"}]}, ["body/subjects/0/model"]),
        ({"subjects": [{"model": f"m{n}"} for n in range(MAX_HEATMAP_SUBJECTS + 1)]}, ["body/subjects"]),
        ({"methods": ["astrology"]}, ["body/methods/0"]),
        ({"methods": []}, ["body/methods"]),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], places: list[str], world: World, batch: str) -> None:
    answer = request(world, batch, **changes)
    assert answer.kind == "invalid-request"
    assert [fault["place"] for fault in answer.json["errors"]] == places
    assert not world.queue.jobs


def test_an_ensemble_without_the_measure_is_refused(world: World, batch: str) -> None:
    world.store.set_alias("live", publish_ensemble(world.store, "resmem@1.0").ref)
    answer = request(world, batch, subjects=[{"ensemble": "live", "measure": "false_alarm_rate"}])
    assert "has no measure false_alarm_rate" in answer.json["detail"]


def test_one_request_asks_for_only_so_many(world: World) -> None:
    names = [f"{number}.jpg" for number in range(MAX_HEATMAP_PHOTOS)]
    subjects = [{"model": f"m{number}"} for number in range(5)]
    answer = request(world, world.batch(*names), photos=names, subjects=subjects, methods=["gradcam"])
    assert answer.kind == "invalid-request"
    assert "250 heatmaps are too many" in answer.json["detail"]


def test_a_deployment_without_workers_says_so(store: ModelStore) -> None:
    world = build(store, has_workers=False)
    batch = world.batch("a.jpg", "b.jpg")
    world.score(batch, "a.jpg", 0.8)
    world.score(batch, "b.jpg", 0.8)
    answer = request(world, batch)
    assert (answer.status, answer.kind) == (501, "no-workers")
    assert not [sk for _, sk in world.table.items if sk.startswith("HEATMAP#")]
