"""Models and ensembles as the API tells of them."""

from typing import Any

import pytest

from model_store.store import EnsembleMeasure, Measure
from tests.http_api import with_query
from tests.unit.functions.api.conftest import World, files
from tests.unit.store.samples import publish, publish_ensemble


def test_a_model_comes_with_licence_citation_and_measured_performance(world: World) -> None:
    models = {model["ref"]: model for model in world.client.call("GET", "/models").json["models"]}
    assert list(models) == ["alarms@1.0", "resmem@1.0"]
    model = models["resmem@1.0"]
    assert model["licence"]["commercial_use"] is False
    assert model["licence"]["name"] == "CC BY-NC 4.0"
    assert model["citation"] == "Somebody et al. 2021"
    assert model["performance"] == [
        {"dataset": "amnet", "n": 60, "spearman": 0.5, "ci95": [0.3, 0.7], "measured_on": "2026-01-02"}
    ]
    assert model["reference"] == {"n": 1000, "description": "a straight line from 0.4 to 0.9"}


def test_the_newest_ensembles_and_those_that_serve_are_shown(world: World) -> None:
    publish(world.store, "1.1")
    publish_ensemble(world.store, "resmem@1.1")
    publish_ensemble(world.store, "resmem@1.0", name="other")
    publish_ensemble(world.store, "resmem@1.1", name="other")

    ensembles = world.client.call("GET", "/ensembles").json["ensembles"]

    shown = {ensemble["ref"]: (ensemble["aliases"], ensemble["is_default"]) for ensemble in ensembles}
    assert shown == {"default@1": (["live"], True), "default@2": ([], False), "other@2": ([], False)}
    assert ensembles[0]["measures"]["hit_rate"]["members"] == ["resmem@1.0"]
    assert ensembles[0]["commercial_use"] is False


def test_lists_come_in_pages(world: World) -> None:
    for version in ("1.1", "1.2", "1.3"):
        publish(world.store, version)
    seen: list[str] = []
    cursor: Any = None
    for _ in range(3):
        page = world.client.call("GET", with_query("/models", limit=2, cursor=cursor)).json
        seen += [model["ref"] for model in page["models"]]
        cursor = page["next_cursor"]
    assert seen == ["alarms@1.0", "resmem@1.0", "resmem@1.1", "resmem@1.2", "resmem@1.3"]
    assert cursor is None


def test_a_moved_alias_is_noticed_after_half_a_minute(world: World) -> None:
    def default() -> str:
        ensembles = world.client.call("GET", "/ensembles").json["ensembles"]
        return next(str(ensemble["ref"]) for ensemble in ensembles if ensemble["is_default"])

    assert default() == "default@1"
    members = {Measure.HIT_RATE: EnsembleMeasure(members=("resmem@1.0",))}
    world.store.set_alias("live", world.store.publish_ensemble("default", members).ref)
    world.clock.advance(seconds=29)
    assert default() == "default@1"
    world.clock.advance(seconds=1)
    assert default() == "default@2"


def test_a_store_that_cannot_be_read_is_said_and_tried_again(world: World) -> None:
    root = world.store.root
    root.rename(root.with_name("away"))
    root.write_text("no folder")
    assert world.client.call("GET", "/models").kind == "unavailable"
    root.unlink()
    root.with_name("away").rename(root)
    assert world.client.call("GET", "/models").status == 200


def test_a_batch_that_asks_for_a_damaged_ensemble_may_be_made_later(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"name": "Spring", "files": files("a.jpg"), "ensembles": ["live"]}
    path = next((world.store.root / "ensembles").rglob("*.json"))
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])

    assert world.client.call("POST", "/batches", body).kind == "unavailable"

    assert str(path) in caplog.text
    path.write_text(whole)
    assert world.client.call("POST", "/batches", body).status == 201


def test_heatmaps_cannot_be_asked_for_while_the_store_cannot_be_read(world: World) -> None:
    batch = world.batch("a.jpg")
    world.score(batch, "a.jpg", 0.8)
    root = world.store.root
    root.rename(root.with_name("away"))
    root.write_text("no folder")
    for subject in ({"model": "resmem"}, {"ensemble": "live", "measure": "hit_rate"}):
        wish = {"photos": ["a.jpg"], "subjects": [subject]}
        assert world.client.call("POST", f"/batches/{batch}/heatmaps", wish).kind == "unavailable"
