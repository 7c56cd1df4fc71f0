"""Deletion and insertion on a network whose best order is known."""

import numpy as np
import pytest

from model_store.heatmaps.explaining import explain
from model_store.heatmaps.faithfulness import CELLS, CurveSettings, centre_ranks, measure_faithfulness, to_ranks
from model_store.heatmaps.methods import Method
from tests.unit.heatmaps import toys


def test_cells_are_ranked_by_their_mean() -> None:
    values = np.zeros((64, 64), np.float32)
    values[:4, :4], values[60:, 60:] = 1, -1
    ranks = to_ranks(values)
    assert ranks[0, 0] == 0
    assert ranks[63, 63] == pytest.approx(1 - 1 / CELLS**2)
    assert len(np.unique(ranks)) == CELLS**2
    assert np.ptp(ranks[:4, :4]) == 0


def test_the_centre_comes_first_and_the_corners_last() -> None:
    ranks = centre_ranks(227)
    assert ranks[113, 113] < 0.02
    assert min(ranks[0, 0], ranks[0, -1], ranks[-1, 0], ranks[-1, -1]) > 0.98


def test_a_right_map_beats_orders_that_know_nothing() -> None:
    generator = np.random.default_rng(3)
    weights = np.repeat(np.repeat(generator.normal(size=(16, 16, 3)), 4, axis=0), 4, axis=1).astype(np.float32) / 1e3
    network = toys.network(toys.Linear(), {"weights": weights})
    images = toys.photos(4)
    maps = explain(network, images, Method.INTEGRATED_GRADIENTS).maps
    photos = [{network.preprocessing: image} for image in images]
    for found in measure_faithfulness([network], photos, list(maps), network.frame):
        assert found.map.deletion < min(found.random.deletion, found.centre.deletion)
        assert found.map.insertion > max(found.random.insertion, found.centre.insertion)
    for found in measure_faithfulness([network], photos, list(-maps), network.frame):
        assert found.map.deletion > found.random.deletion


def test_an_even_picture_loses_nothing_whatever_is_taken_out() -> None:
    network = toys.network(toys.Linear(), {"weights": toys.left_half()})
    image = np.full((toys.SIZE, toys.SIZE, 3), 51, np.uint8)
    order = np.broadcast_to(np.linspace(1, 0, toys.SIZE, dtype=np.float32), (toys.SIZE, toys.SIZE))
    (found,) = measure_faithfulness(
        [network, network], [{network.preprocessing: image}], [order], network.frame, CurveSettings(steps=4)
    )
    for areas in (found.map, found.random, found.centre):
        assert (areas.deletion, areas.insertion) == pytest.approx((0.2, 0.2), rel=1e-4)
