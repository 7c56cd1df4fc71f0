"""Ensembles in memory: which members a reference means, and what their scores become."""

from typing import Any

import numpy as np
import pytest

from model_store.images import Preprocessing
from model_store.records import ModelPerformance
from model_store.runtime.ensembles import EnsembleSpec, Pixels, ensemble_measures
from model_store.store import CorruptModelError, EnsembleMeasure, Measure, ModelStore, NotFoundError
from model_store.store.layout import PARAMETERS_FILE
from tests.unit.store.samples import REFERENCE
from tests.unit.tiny_models import ALARMS, FIRST, SCORE_TOLERANCE, SECOND, images, plain_scores

CUT = Preprocessing(resize=18, crop=16)
WIDE_CUT = Preprocessing(resize=30, crop=16)


def plain_score(seed: int, cut: np.ndarray) -> Any:
    """What the plain network gives one photo, for a comparison."""
    return pytest.approx(plain_scores(seed, cut[None])[0], abs=SCORE_TOLERANCE)


@pytest.fixture
def photos() -> list[Pixels]:
    return [{CUT: cut, WIDE_CUT: 255 - cut} for cut in images(3)]


@pytest.mark.parametrize("ref", ["live", "default", "default@1"])
def test_an_ensemble_is_found_by_alias_name_and_version(store: ModelStore, ref: str) -> None:
    spec = EnsembleSpec.of_ensemble(store, ref)

    assert spec.ref == "default@1"
    assert list(spec.manifests) == ["first@1", "second@1", "alarms@1"]
    assert spec.folders == {member: store.path(member) for member in spec.manifests}
    assert spec.preprocessings == {CUT}


def test_what_is_not_there_is_not_found(store: ModelStore) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        EnsembleSpec.of_ensemble(store, "nothing")
    with pytest.raises(NotFoundError, match="nothing"):
        EnsembleSpec.of_model(store, "nothing")


def test_one_model_alone_brings_its_own_reference(store: ModelStore, photos: list[Pixels]) -> None:
    spec = EnsembleSpec.of_model(store, "first")

    (measures, *_) = spec.load().measure(photos)

    assert spec.ref == "first@1"
    assert list(measures) == [Measure.HIT_RATE]
    result = measures[Measure.HIT_RATE]
    assert result.score == plain_score(FIRST, photos[0][CUT])
    assert result.percentile == REFERENCE.percentile(result.score)
    assert result.spread == 0
    assert [model.performance for model in result.models] == [
        ModelPerformance(dataset="amnet", n=60, spearman=0.5, ci95=(0.3, 0.7))
    ]


def test_members_are_averaged_by_measure_and_never_across_measures(store: ModelStore, photos: list[Pixels]) -> None:
    measured = EnsembleSpec.of_ensemble(store, "live").load().measure(photos)

    pixels = np.stack([photo[CUT] for photo in photos])
    seeds = (FIRST, SECOND, ALARMS)
    first, second, alarms = (plain_scores(seed, pixels) for seed in seeds)
    for index, measures in enumerate(measured):
        assert list(measures) == [Measure.HIT_RATE, Measure.FALSE_ALARM_RATE]
        hits, false_alarms = measures[Measure.HIT_RATE], measures[Measure.FALSE_ALARM_RATE]
        pair = first[index], second[index]
        assert hits.score == pytest.approx(np.mean(pair), abs=SCORE_TOLERANCE)
        assert hits.spread == pytest.approx(abs(pair[0] - pair[1]) / 2, abs=SCORE_TOLERANCE)
        assert hits.percentile == REFERENCE.percentile(hits.score)
        assert [score.model for score in hits.models] == ["first@1", "second@1"]
        assert [score.score for score in hits.models] == pytest.approx(pair, abs=SCORE_TOLERANCE)
        assert false_alarms.score == pytest.approx(alarms[index], abs=SCORE_TOLERANCE)
        assert (false_alarms.spread, false_alarms.percentile) == (0, None)
    assert np.abs(first - second).min() > 1e-3, "members that agree would prove nothing"


def test_every_member_sees_its_own_cut(store: ModelStore, photos: list[Pixels]) -> None:
    measure = EnsembleMeasure(members=("wide@1", "first@1"))
    spec = EnsembleSpec.of_measures(store, "mixed@1", {Measure.HIT_RATE: measure})

    (measures, *_) = spec.load().measure(photos)

    assert spec.preprocessings == {CUT, WIDE_CUT}
    wide, first = (score.score for score in measures[Measure.HIT_RATE].models)
    assert wide == plain_score(SECOND, photos[0][WIDE_CUT])
    assert first == plain_score(FIRST, photos[0][CUT])


def test_a_damaged_member_is_refused_by_name(store: ModelStore) -> None:
    with (store.path("second") / PARAMETERS_FILE).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    spec = EnsembleSpec.of_ensemble(store, "live")

    with pytest.raises(CorruptModelError, match="second@1 is refused"):
        spec.load()


def test_models_are_grouped_by_what_they_measure(store: ModelStore) -> None:
    measures = ensemble_measures(store, ["second", "alarms", "first@1"])

    assert measures == {
        Measure.HIT_RATE: EnsembleMeasure(members=("second@1", "first@1"), reference=None),
        Measure.FALSE_ALARM_RATE: EnsembleMeasure(members=("alarms@1",), reference=None),
    }
    assert ensemble_measures(store, ["first"])[Measure.HIT_RATE].reference == REFERENCE


def test_a_model_named_twice_counts_once(store: ModelStore) -> None:
    assert ensemble_measures(store, ["first", "first@1"])[Measure.HIT_RATE].members == ("first@1",)
