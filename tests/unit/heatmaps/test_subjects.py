"""Subjects and records as they travel."""

import pytest
from pydantic import ValidationError

from model_store.heatmaps.records import DoneHeatmap, parse_heatmap_record
from model_store.heatmaps.subjects import HeatmapSubject, SubjectError
from model_store.store import Measure


@pytest.mark.parametrize(
    ("subject", "slug", "json"),
    [
        (HeatmapSubject.of_model("resmem"), "model.resmem", '{"model":"resmem"}'),
        (HeatmapSubject.of_model("resmem@1.1.6"), "model.resmem@1.1.6", '{"model":"resmem@1.1.6"}'),
        (
            HeatmapSubject.of_ensemble("live", Measure.HIT_RATE),
            "ensemble.live.hit_rate",
            '{"ensemble":"live","measure":"hit_rate"}',
        ),
        (
            HeatmapSubject.of_ensemble("default@1.2.x", Measure.FALSE_ALARM_RATE),
            "ensemble.default@1.2.x.false_alarm_rate",
            '{"ensemble":"default@1.2.x","measure":"false_alarm_rate"}',
        ),
    ],
)
def test_subjects_have_one_slug_and_one_json(subject: HeatmapSubject, slug: str, json: str) -> None:
    assert subject.slug == slug
    assert HeatmapSubject.parse(slug) == subject
    assert subject.model_dump_json() == json
    assert HeatmapSubject.model_validate_json(json) == subject
    assert not {"#", "/"} & set(slug)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"model": "resmem", "ensemble": "live", "measure": "hit_rate"},
        {"model": "resmem", "measure": "hit_rate"},
        {"ensemble": "live"},
        {"measure": "hit_rate"},
        {"model": "../resmem"},
        {"model": "resmem", "other": "x"},
        {"ensemble": "live", "measure": "beauty"},
    ],
)
def test_other_subjects_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        HeatmapSubject.model_validate(fields)


@pytest.mark.parametrize("slug", ["", "resmem", "model.", "model.a/b", "ensemble.live", "ensemble.live.beauty", "x.y"])
def test_other_slugs_are_refused(slug: str) -> None:
    with pytest.raises(SubjectError, match="is no subject"):
        HeatmapSubject.parse(slug)


@pytest.mark.parametrize(
    "text",
    [
        '{"file":"a","subject":{"model":"m"},"method":"gradcam","status":"queued","request_id":"r",'
        '"requested_at":"2026-11-22T10:00:00Z"}',
        '{"file":"a","subject":{"model":"m"},"method":"occlusion","status":"done","models":["m@1"],'
        '"measure":"hit_rate","score":0.5,"width":4,"height":3,"overlay_key":"o","map_key":"m","scale":0.1,'
        '"disagreement":0.0,"faithfulness":null}',
        '{"file":"a","subject":{"model":"m"},"method":"integrated-gradients","status":"failed",'
        '"error":{"code":"out_of_memory","message":"too large"}}',
    ],
)
def test_records_survive_their_json(text: str) -> None:
    assert parse_heatmap_record(text).to_json() == text


def test_a_done_heatmap_has_a_scale() -> None:
    with pytest.raises(ValidationError, match="scale"):
        DoneHeatmap.model_validate(
            {"file": "a", "subject": {"model": "m"}, "method": "gradcam", "models": ["m@1"], "measure": "hit_rate"}
            | {"score": 0.5, "width": 4, "height": 3, "overlay_key": "o", "map_key": "m", "scale": 0}
        )
