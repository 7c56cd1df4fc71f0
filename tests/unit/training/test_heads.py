"""Heads on made-up features: what they learn, that they leak nothing, and what their spread says."""

from dataclasses import replace

import numpy as np
import pytest

from training.data.folds import each_fold
from training.evaluation.metrics import spearman
from training.evaluation.spread import (
    LEAST_SPREAD,
    interval_factor,
    judge_spread,
    judge_spread_across_folds,
)
from training.heads.basis import distances, fit_basis
from training.heads.cross_validation import cross_validate
from training.heads.fitting import Photos, fit_heads
from training.heads.settings import HeadSettings
from training.heads.steadiness import steadying

SETTINGS = HeadSettings(components=24, penalties=(0.01, 0.1, 1.0), folds=4, inner_folds=3)


def made_up_photos(n: int, noise: float = 0.05, seed: int = 0, *, uneven: bool = False) -> Photos:
    """Two trunks, one of two taps; the score is a curve over the first features, under noise."""
    random = np.random.default_rng(seed)
    first, second = random.normal(size=(n, 20)), random.normal(size=(n, 12))
    signal = 0.5 + 0.12 * np.tanh(first[:, 0]) + 0.12 * np.sin(second[:, 0])
    scale = noise * (np.where(first[:, 1] > 0, 2.5, 0.3) if uneven else 1)
    scores = np.clip(signal + scale * random.normal(size=n), 0, 1)
    features = (first.astype(np.float32), second.astype(np.float32))
    return Photos(features, features, ((12, 8), (12,)), scores, tuple(range(n)))


def test_heads_learn_a_curve_from_two_trunks() -> None:
    photos = made_up_photos(300)

    found = cross_validate(photos, SETTINGS)

    assert spearman(found.means, photos.scores) > 0.65
    assert found.predictions.shape == (300, 5)
    assert [n for n, _ in found.learning_curve] == [56, 112, 225]
    assert found.learning_curve[-1][1] > found.learning_curve[0][1]
    assert all(selection.chosen in SETTINGS.penalties for selection in found.selections)


def test_shuffled_scores_teach_nothing() -> None:
    photos = made_up_photos(600)
    shuffled = np.random.default_rng(5).permutation(photos.scores)

    found = cross_validate(replace(photos, scores=shuffled), SETTINGS)

    assert abs(spearman(found.means, shuffled)) < 0.1


def test_doubles_of_a_photo_do_not_help_to_predict_it() -> None:
    """With each photo in the data twice and noise for scores, folds that ignored groups would correlate highly."""
    random = np.random.default_rng(3)
    features = (np.repeat(random.normal(size=(200, 20)).astype(np.float32), 2, axis=0),)
    scores = np.repeat(random.uniform(size=200), 2)
    groups = tuple(np.repeat(np.arange(200), 2).tolist())

    grouped = cross_validate(Photos(features, features, ((20,),), scores, groups), SETTINGS)
    leaking = cross_validate(Photos(features, features, ((20,),), scores, tuple(range(400))), SETTINGS)

    assert spearman(leaking.means, scores) > 0.5
    assert abs(spearman(grouped.means, scores)) < 0.15


def test_the_spread_is_the_error_to_expect() -> None:
    photos = made_up_photos(800, noise=0.08, uneven=True)

    found = cross_validate(photos, SETTINGS)

    judged = judge_spread_across_folds(found.means, photos.scores, found.spreads, each_fold(found.folds), 0.9)
    assert judged.error_correlation > 0.1
    assert 0.87 <= judged.coverage <= 0.93
    error = np.sqrt(np.mean((found.means - photos.scores) ** 2))
    assert found.spreads.mean() == pytest.approx(error, rel=0.25)


def test_intervals_of_heads_that_all_say_the_same_are_judged_as_they_were_found() -> None:
    """Heads at a bound of the score: half of the photos have no spread at all."""
    random = np.random.default_rng(0)
    scores, spreads = random.uniform(size=200), np.repeat([0.0, 0.02], 100)
    predictions = scores + np.where(spreads > 0, spreads, LEAST_SPREAD) * random.normal(size=200)
    halves = np.arange(200) % 2

    factor = interval_factor(predictions, scores, spreads, 0.9)
    judged = judge_spread(predictions, scores, spreads, factor, 0.9)
    folded = judge_spread_across_folds(predictions, scores, spreads, each_fold(halves), 0.9)

    assert judged.coverage == pytest.approx(0.9, abs=0.01)
    assert folded.coverage == pytest.approx(0.9, abs=0.05)


def test_the_same_seed_gives_the_same_heads_and_another_gives_others() -> None:
    photos = made_up_photos(120)

    first, again, other = (fit_heads(photos, SETTINGS, seed) for seed in (1, 1, 2))

    assert all(np.array_equal(first.parameters[path], again.parameters[path]) for path in first.parameters)
    assert not np.array_equal(first.parameters["readout/kernel"], other.parameters["readout/kernel"])
    predictions = first.predict(photos.features)
    assert np.ptp(predictions, axis=1).min() > 0
    assert other.predict(photos.features).mean(axis=1) == pytest.approx(predictions.mean(axis=1), abs=0.05)


def test_many_photos_share_fewer_landmarks() -> None:
    photos = made_up_photos(300)

    heads = fit_heads(photos, HeadSettings(components=24, landmarks=100), seed=0)

    assert heads.settings == {"trunks": 2, "components": 24, "landmarks": 100, "heads": 5}
    unseen = made_up_photos(300, seed=1)
    assert spearman(heads.predict(unseen.features).mean(axis=1), unseen.scores) > 0.55


def test_the_basis_keeps_distances_and_weighs_taps_alike() -> None:
    photos = made_up_photos(60)
    rows = np.arange(60)

    basis = fit_basis(photos.features, photos.mirrored, photos.tap_widths, rows, components=200)

    taps = [photos.features[0][:, :12], photos.features[0][:, 12:], photos.features[1]]
    standard = [(tap - tap.mean(axis=0)) / tap.std(axis=0) / np.sqrt(tap.shape[1]) for tap in taps]
    expected = distances(np.concatenate(standard, axis=1), np.concatenate(standard, axis=1))
    found = distances(basis.project(photos.features), basis.centres)
    upper = np.triu_indices(60, 1)
    assert found[upper] == pytest.approx(expected[upper] / np.median(expected[upper]), rel=1e-3)
    assert np.diag(basis.activations(photos.features)) == pytest.approx(1, abs=5e-3)


def test_what_mirroring_changes_counts_less() -> None:
    """Features of a mirrored photo keep the signal and draw the noise anew; heads see that without its scores."""
    random = np.random.default_rng(1)
    signal = random.normal(size=(160, 4))
    noises = random.normal(size=(2, 160, 36))
    views = tuple((np.concatenate([signal, noise], axis=1).astype(np.float32),) for noise in noises)
    scores = np.clip(0.5 + 0.1 * np.tanh(signal).sum(axis=1), 0, 1)

    blind, steadied = (
        cross_validate(Photos(views[0], mirrored, ((40,),), scores, tuple(range(160))), SETTINGS)
        for mirrored in (views[0], views[1])
    )

    assert spearman(steadied.means, scores) > spearman(blind.means, scores) + 0.05


def test_steadying_shrinks_a_direction_by_its_share_of_noise() -> None:
    random = np.random.default_rng(2)
    same, noise = random.normal(size=(5000, 1)), random.normal(size=(2, 5000, 1))
    straight, flipped = (np.concatenate([3 * same, each], axis=1) for each in noise)
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])

    shrink = steadying(straight @ turn, flipped @ turn)

    assert shrink == pytest.approx(turn.T @ np.diag([1, 1e-3]) @ turn, abs=0.06)
    assert steadying(straight, straight) == pytest.approx(np.eye(2), abs=1e-5)


def test_a_feature_that_never_varied_does_not_explode() -> None:
    photos = made_up_photos(80)
    photos.features[0][:, 3] = 1.0
    basis = fit_basis(photos.features, photos.mirrored, photos.tap_widths, np.arange(80), components=24)

    photos.features[0][0, 3] = 2.0

    assert np.abs(basis.project(photos.features)[0]).max() < 50
