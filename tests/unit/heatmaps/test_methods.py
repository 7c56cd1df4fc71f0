"""Every method on networks whose attribution is known."""

import numpy as np
import pytest
from jaxtyping import Array

from model_store.heatmaps.explaining import Settings, explain, photos_and_baselines
from model_store.heatmaps.gradcam import NoFeaturesError, contributions
from model_store.heatmaps.gradients import PathSettings
from model_store.heatmaps.methods import Method
from model_store.heatmaps.occlusion import MaskSettings, masks
from model_store.heatmaps.programs import run, score
from model_store.heatmaps.references import pictures_of_nothing
from tests.unit.heatmaps import toys

IG = Method.INTEGRATED_GRADIENTS
PIXELS, GAUSSIAN = Settings(PathSettings(smoothing=0)), Settings(PathSettings(smoothing=0.045))


def test_plain_gradcam_gives_each_place_its_weight_times_its_value() -> None:
    read = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    images = toys.photos(2)
    scores, found = run(contributions, toys.network(toys.TwoBranches(), {"read": read}), images)
    x = images[:, :: toys.CELL, :: toys.CELL] / 255
    np.testing.assert_allclose(found["stage4_features"], (x * read).sum(-1), rtol=1e-5, atol=1e-6)
    # 5 tokens of 3 features share their mean.
    np.testing.assert_allclose(found["token_features"], (2 * x / 15).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(scores, sum(values.sum((1, 2)) for values in found.values()), rtol=1e-5)


def test_gradcam_maps_are_signed_densities_of_what_the_branches_add_over_pictures_of_nothing() -> None:
    read = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    images = toys.photos(1)
    map_ = explain(toys.network(toys.TwoBranches(), {"read": read}), images, Method.GRADCAM).maps[0]
    ways = at_places(images / 255)[0] - at_places(pictures_of_nothing(toys.SIZE)).mean(axis=0)
    branch, pooled = (ways * read).sum(-1), 2 * ways.sum(-1) / 15
    # Four cells make up the picture. The branch's places lie at pixels 0 and 32, the tokens' at 15.5 and 47.5.
    assert map_[0, 0] == pytest.approx(4 * (branch[0, 0] + pooled[0, 0]), rel=1e-4)
    assert map_[0, 63] == pytest.approx(4 * (branch[0, 1] + pooled[0, 1]), rel=1e-4)
    assert map_[63, 0] == pytest.approx(4 * (branch[1, 0] + pooled[1, 0]), rel=1e-4)
    at_16 = branch[0].mean() + pooled[0, 0] + (pooled[0, 1] - pooled[0, 0]) / 64
    assert map_[0, 16] == pytest.approx(4 * at_16, rel=1e-4)


def test_gradcam_follows_a_gradient_that_changes_on_the_way_to_the_photo() -> None:
    read = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    images = toys.photos(2)
    map_ = explain(toys.network(toys.SquaredFeatures(), {"read": read}), images, Method.GRADCAM).maps
    photos, references = at_places(images / 255), at_places(pictures_of_nothing(toys.SIZE)).mean(axis=0)
    added = ((photos**2 - references**2) * read).sum(-1)
    for row, column in np.ndindex(2, 2):
        np.testing.assert_allclose(map_[:, 63 * row, 63 * column], 4 * added[:, row, column], rtol=1e-3, atol=1e-4)


def at_places(pictures: Array | np.ndarray) -> np.ndarray:
    """What the toys take for features."""
    return np.asarray(pictures)[:, :: toys.CELL, :: toys.CELL]


def test_pictures_of_nothing_have_light_and_colours_and_no_details() -> None:
    pictures = np.asarray(pictures_of_nothing(227))
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert pictures.mean() == pytest.approx(0.45, abs=0.05)
    assert pictures.std(axis=(1, 2)).min() > 0.03
    steps = np.abs(np.diff(pictures, axis=1)).max()
    assert steps < 0.02
    np.testing.assert_array_equal(pictures, pictures_of_nothing(227))


def test_gradcam_refuses_a_network_without_features() -> None:
    with pytest.raises(NoFeaturesError, match="Unmarked marks no features"):
        explain(toys.network(toys.Unmarked(), {}), toys.photos(1), Method.GRADCAM)


def test_integrated_gradients_of_a_linear_network_are_its_weighted_difference() -> None:
    weights = np.random.default_rng(2).normal(size=(toys.SIZE, toys.SIZE, 3)).astype(np.float32) / 1e3
    images = toys.photos(3)
    explained = explain(toys.network(toys.Linear(), {"weights": weights}), images, IG, PIXELS)
    photos, baselines = map(np.asarray, photos_and_baselines(images))
    expected = ((photos - baselines) * weights).sum(-1) * toys.SIZE**2
    assert explained.residuals is not None
    np.testing.assert_allclose(explained.maps, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(explained.residuals, 0, atol=1e-5)


def test_integrated_gradients_follow_a_gradient_that_changes() -> None:
    weights = toys.left_half()
    images = toys.photos(2)
    explained = explain(toys.network(toys.Squares(), {"weights": weights}), images, IG, PIXELS)
    photos, baselines = map(np.asarray, photos_and_baselines(images))
    expected = ((photos**2 - baselines**2) * weights).sum(-1) * toys.SIZE**2
    np.testing.assert_allclose(explained.maps, expected, atol=0.01 * np.abs(expected).max())
    assert explained.residuals is not None
    assert explained.baseline_scores is not None
    assert np.abs(explained.residuals).max() < 0.01 * np.abs(explained.scores - explained.baseline_scores).min()


@pytest.mark.parametrize("samples", [0, 3])
def test_integrated_gradients_sum_to_the_difference_of_the_scores(samples: int) -> None:
    network = toys.network(toys.Squares(), {"weights": toys.left_half()})
    images = toys.photos(2)
    explained = explain(network, images, IG, Settings(PathSettings(steps=4, smooth_samples=samples)))
    assert explained.baseline_scores is not None
    np.testing.assert_allclose(
        explained.maps.mean((1, 2)), explained.scores - explained.baseline_scores, rtol=1e-4, atol=1e-6
    )


def test_smoothing_averages_over_noisy_copies() -> None:
    network = toys.network(toys.Squares(), {"weights": toys.left_half()})
    images = np.full((1, toys.SIZE, toys.SIZE, 3), 128, np.uint8)
    plain, smooth = (
        explain(network, images, IG, Settings(PathSettings(steps=4, smooth_samples=samples))) for samples in (0, 4)
    )
    # The mean square of noise of deviation 0.1 comes on top of the even picture's, which is its own baseline.
    assert plain.scores[0] == pytest.approx((128 / 255) ** 2, rel=1e-4)
    assert smooth.scores[0] - plain.scores[0] == pytest.approx(0.01, rel=0.1)


def test_the_noise_of_a_photo_does_not_depend_on_its_batch() -> None:
    network = toys.network(toys.Squares(), {"weights": toys.left_half()})
    images, settings = toys.photos(3), Settings(PathSettings(steps=2, smooth_samples=2))
    together = explain(network, images, IG, settings)
    for index in range(3):
        alone = explain(network, images[index : index + 1], IG, settings)
        np.testing.assert_allclose(alone.maps[0], together.maps[index], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(alone.scores[0], together.scores[index], rtol=1e-5)


def test_credits_are_spread_over_neighbours_and_keep_their_sum() -> None:
    weights = np.zeros((toys.SIZE, toys.SIZE, 3), np.float32)
    weights[0, 0], weights[40, 40] = 1, -1
    network, images = toys.network(toys.Linear(), {"weights": weights}), toys.photos(1)
    pixels, spread = (explain(network, images, IG, settings).maps[0] for settings in (PIXELS, GAUSSIAN))
    assert np.count_nonzero(np.abs(pixels) > 1e-3) == 2
    assert spread.sum() == pytest.approx(pixels.sum(), rel=1e-3)
    assert np.unravel_index(np.abs(spread).argmax(), spread.shape) in {(0, 0), (40, 40)}
    assert np.abs(spread).max() < 0.3 * np.abs(pixels).max()
    # A Gaussian of 4.5 % of 64 pixels: what is 9 pixels off is hardly heard.
    assert abs(spread[40, 49]) < 0.02 * abs(spread[40, 40]) < abs(spread[40, 43])


def test_a_path_needs_two_ends() -> None:
    with pytest.raises(ValueError, match="at least 2 steps"):
        PathSettings(steps=1)


def test_occlusion_finds_what_a_network_reads_and_its_sign() -> None:
    # White on the left, black on the right: hidden, both become greyer where they meet.
    images = np.zeros((1, toys.SIZE, toys.SIZE, 3), np.uint8)
    images[:, 8:24, 8:24] = 255
    for sign in (1, -1):
        network = toys.network(toys.Linear(), {"weights": toys.left_half(sign)})
        map_ = sign * explain(network, images, Method.OCCLUSION, Settings(masks=MaskSettings(pairs=200))).maps[0]
        assert map_[12:20, 12:20].mean() > 5 * np.abs(map_[40:, 40:]).mean()


def test_masks_are_the_same_for_a_seed_and_show_half() -> None:
    first, again, other = (next(masks(100, 7, seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    stream = masks(100, 7, 0)
    assert np.mean([next(stream) for _ in range(200)]) == pytest.approx(0.5, abs=0.02)


def test_scores_are_those_of_the_network() -> None:
    network = toys.network(toys.Linear(), {"weights": toys.left_half()})
    images = toys.photos(2)
    plain = np.asarray(run(score, network, images.astype(np.float32) / 255))
    for method in (IG, Method.OCCLUSION):
        settings = Settings(PathSettings(steps=2), MaskSettings(pairs=1))
        np.testing.assert_allclose(explain(network, images, method, settings).scores, plain, rtol=1e-5)
