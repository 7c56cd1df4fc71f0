"""Heads on the published ResMem: trained by the command on real scenes, served in ResMem's own pass."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from model_store.runtime.ensembles import EnsembleSpec, ensemble_measures
from model_store.runtime.loading import load_model
from model_store.store import Measure, ModelStore
from tests.e2e.conftest import Command
from training.publishing import publish_run
from training.runs import Run

pytestmark = pytest.mark.shared_data

N_PHOTOS = 80


@pytest.fixture(scope="module")
def run(published: Command, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Heads on a few scenes; the features of ResMem are computed anew."""
    folder = tmp_path_factory.mktemp("training")
    with (shared_data / "lnsim" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:N_PHOTOS]
    listing = folder / "scenes.csv"
    with listing.open("w", newline="") as file:
        images = shared_data / "lnsim" / "images"
        csv.writer(file).writerows([["file", "score"], *([str(images / row["file"]), row["score"]] for row in rows)])
    done = published(
        "train",
        listing,
        "--name",
        "scenes",
        "--out",
        folder / "run",
        "--json",
        MEMORABILITY_CACHE=str(folder / "cache"),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n_photos"] == N_PHOTOS
    return Run.read(folder / "run")


def test_the_run_measures_heads_and_trunk_on_the_same_scenes(run: Run) -> None:
    assert run.record.cross_validation.n == N_PHOTOS
    assert run.record.trunk_spearman["resmem@1.1.6"] > 0.2
    assert not run.description.licence.commercial_use
    assert run.parameters.stat().st_size < 10_000_000


def test_heads_score_beside_their_trunk(run: Run, store_folder: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    (tmp_path / "store" / "models").mkdir(parents=True)
    (tmp_path / "store" / "models" / "resmem").symlink_to(store_folder / "models" / "resmem")
    manifest = publish_run(store, run, "1")
    spec = EnsembleSpec.of_measures(store, "both@1", ensemble_measures(store, ["resmem@1.1.6", manifest.ref]))
    alone = load_model(store.path("resmem@1.1.6"), store.manifest("resmem@1.1.6"))
    images = np.random.default_rng(0).integers(0, 256, (1, 227, 227, 3), dtype=np.uint8)
    (cut,) = spec.preprocessings

    (measures,) = spec.load().measure([{cut: images[0]}])

    trunk, heads = measures[Measure.HIT_RATE].models
    assert (trunk.model, heads.model) == ("resmem@1.1.6", "scenes@1")
    assert trunk.score == pytest.approx(float(alone(images)[0]), abs=1e-4)
    assert heads.heads is not None
    assert len(heads.heads) == 5
