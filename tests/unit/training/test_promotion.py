"""A run is compared on photos that neither side has seen, and refused where its advantage may be chance."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import Measure, ModelStore
from tests.unit.training.photos import write_dataset
from training.data import Dataset, load_dataset
from training.errors import TrainingError
from training.evaluation.evaluating import find_spec, predict
from training.heads.settings import HeadSettings
from training.promotion import (
    NotBetterError,
    compare_with_model,
    compare_with_run,
    held_out_photos,
    read_held_out,
    require_better,
    require_unseen,
)
from training.publishing import publish_run
from training.runs import PREDICTIONS_FILE, Run
from training.training import TrainingOptions, train

N_PHOTOS = 64


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits = ["test" if index % 8 == 0 else "train" for index in range(N_PHOTOS)]
    return load_dataset(write_dataset(tmp_path_factory.mktemp("data") / "scenes", N_PHOTOS, extra={"split": splits}))


@pytest.fixture(scope="module")
def run(dataset: Dataset, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    settings = HeadSettings(components=16, penalties=(0.03, 0.3), folds=3, inner_folds=3)
    options = TrainingOptions(name="scenes", trunks=("first",), heads=settings)
    return train(ModelStore(published), dataset, options, folder / "cache", folder / "run")


def copy_of(run: Run, folder: Path, *, noise: float = 0.0, scores: float = 0.0, keep: int = N_PHOTOS) -> Run:
    """A run with other held-out predictions: noisier ones, other scores of people, or of fewer photos."""
    shutil.copytree(run.folder, folder)
    path, random = folder / PREDICTIONS_FILE, np.random.default_rng(0)
    head, *lines = path.read_text().splitlines()
    changed = []
    for line in lines[:keep]:
        name, score, prediction, *rest = line.split(",")
        noisy = float(prediction) + noise * random.standard_normal()
        changed.append(",".join([name, f"{float(score) + scores:.6f}", f"{noisy:.6f}", *rest]))
    path.write_text("\n".join([head, *changed]) + "\n")
    measured = run.record.cross_validation.model_copy(update={"n": len(changed)})
    return run.model_copy(
        update={"folder": folder, "record": run.record.model_copy(update={"cross_validation": measured})}
    )


def test_the_runs_figure_is_that_of_its_cross_validation(run: Run, dataset: Dataset, store: ModelStore) -> None:
    photos = held_out_photos(run, dataset)

    verdict = compare_with_model(run, photos, predict(find_spec(store, "first"), photos, Measure.HIT_RATE))

    assert verdict.n == run.record.n_photos == len(photos.examples) < N_PHOTOS
    assert verdict.spearman == pytest.approx(run.record.cross_validation.spearman, abs=1e-3)
    assert verdict.other_spearman == pytest.approx(run.record.trunk_spearman["first@1"], abs=1e-3)
    assert verdict.is_better
    require_better(verdict)


def test_a_better_run_is_accepted_and_a_worse_one_refused_with_the_figures(run: Run, tmp_path: Path) -> None:
    noisy = copy_of(run, tmp_path / "noisy", noise=0.5)

    require_better(compare_with_run(run, noisy))
    worse = compare_with_run(noisy, run)

    assert worse.difference.difference < 0
    with pytest.raises(NotBetterError, match=rf"Spearman {worse.spearman:.3f} and .*run {worse.other_spearman:.3f} on"):
        require_better(worse)


def test_an_equal_run_is_not_better(run: Run) -> None:
    verdict = compare_with_run(run, run)

    assert (verdict.difference.difference, verdict.difference.ci95) == (0, (0, 0))
    with pytest.raises(NotBetterError, match=r"\+0.000 \(\+0.000 to \+0.000\)"):
        require_better(verdict)


def test_runs_are_compared_on_the_photos_that_both_have(run: Run, tmp_path: Path) -> None:
    earlier = copy_of(run, tmp_path / "earlier", noise=0.5, keep=30)

    assert compare_with_run(run, earlier).n == 30
    with pytest.raises(TrainingError, match="have 10 photos in common; at least 20 are needed"):
        compare_with_run(run, copy_of(run, tmp_path / "few", keep=10))


def test_runs_that_cannot_be_compared_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="give photos of the same name different scores"):
        compare_with_run(run, copy_of(run, tmp_path / "rescored", scores=0.1))
    alarms = run.description.model_copy(update={"measure": Measure.FALSE_ALARM_RATE})
    with pytest.raises(TrainingError, match="another measure"):
        compare_with_run(run, run.model_copy(update={"description": alarms}))


def test_other_data_than_the_runs_is_refused(run: Run, tmp_path: Path) -> None:
    """The predictions would be of other photos, or of photos that the heads did see."""
    other = load_dataset(write_dataset(tmp_path / "other", N_PHOTOS, shuffled=True))

    with pytest.raises(TrainingError, match=r"other is not the data that .* was trained on"):
        held_out_photos(run, other)


def test_published_heads_are_refused_as_they_may_have_seen_the_photos(run: Run, store: ModelStore) -> None:
    manifest = publish_run(store, run, "1")

    with pytest.raises(TrainingError, match=r"scenes@1 may have been trained on these photos, .* folder of its run"):
        require_unseen(EnsembleSpec.of_model(store, manifest.ref))
    require_unseen(EnsembleSpec.of_ensemble(store, "live"))


HEADER = "file,score,prediction\n"


@pytest.mark.parametrize(
    "content",
    ["", f"{HEADER}a.png,high,0.5\n", f"{HEADER}a,1,1\n", f"{HEADER}a\n", f'{HEADER}"a,1,1\n' + "b,1,1\n" * 30_000],
)
def test_damaged_predictions_are_refused(run: Run, tmp_path: Path, content: str) -> None:
    damaged = copy_of(run, tmp_path / "damaged")
    (damaged.folder / PREDICTIONS_FILE).write_text(content)

    with pytest.raises(TrainingError, match=r"predictions.csv .* train it again"):
        read_held_out(damaged)
