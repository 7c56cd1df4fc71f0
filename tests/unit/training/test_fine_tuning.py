"""A fine-tuning run from photos to a served network, on a network that trains in seconds."""

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import CorruptModelError, InUseError, Measure, ModelStore, NotFoundError
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors
from tests.unit.training.photos import write_dataset
from training.data import Dataset, load_dataset
from training.errors import InterruptedTrainingError, TrainingError
from training.evaluation.evaluating import find_spec, predict
from training.features.extraction import Progress
from training.fine_tuning.fine_tune import WorkFolders, fine_tune
from training.fine_tuning.outcome import FineTuneOptions
from training.fine_tuning.settings import FineTuneSettings
from training.jobs import Folders, TrainingJob, run_job
from training.lineage import require_unseen_by, seen_photos, write_seen
from training.promotion import compare_with_model, compare_with_run, held_out_photos, require_unseen
from training.publishing import publish_run, serve_alone
from training.runs import SEEN_FILE, Run

N_PHOTOS = 72
SETTINGS = FineTuneSettings(
    folds=2, epochs=12, batch=4, learning_rate=1e-3, trunk_learning_rate=1e-3, patience=12, checkpoint_minutes=60
)
OPTIONS = FineTuneOptions(name="scenes", trunk="first", settings=SETTINGS)
HELD_OUT = replace(OPTIONS, settings=replace(SETTINGS, folds=1, epochs=2))


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    groups = [("beach", "town")[index % 2] for index in range(N_PHOTOS)]
    return load_dataset(write_dataset(tmp_path_factory.mktemp("data") / "scenes", N_PHOTOS, extra={"group": groups}))


@pytest.fixture(scope="module")
def run(dataset: Dataset, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return fine_tune(ModelStore(published), dataset, OPTIONS, work(folder), folder / "run")


@pytest.fixture(scope="module")
def served(published: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A store in which the run is `scenes@1`; only to be read."""
    store = ModelStore(shutil.copytree(published, tmp_path_factory.mktemp("served") / "store"))
    publish_run(store, run, "1")
    return store


def work(folder: Path) -> WorkFolders:
    return WorkFolders(photos=folder / "cache", checkpoints=folder / "checkpoints")


def epochs_of(run: Run) -> list[dict[str, str]]:
    with (run.folder / "epochs.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_learns_and_tells_of_it(run: Run) -> None:
    found = run.record.cross_validation

    assert found.n == N_PHOTOS
    assert found.spearman > 0.8
    assert found.spearman > run.record.trunk_spearman["first@1"] + 0.1
    assert run.record.kind == "fine-tuned"
    assert run.record.by_group.keys() == {"beach", "town"}
    assert {path.name for path in run.folder.iterdir()} == {
        "MODEL_CARD.md", "predictions.csv", "epochs.csv", "run.json", "scatter.png", "training.png", "model",
    }  # fmt: skip
    card = (run.folder / "MODEL_CARD.md").read_text()
    assert f"| scenes, 2-fold cross-validation | 72 | {found.spearman:.3f} |" in card
    assert "2 trainings, each measured on the photos that it did not see" in card
    assert re.search(r"The network is that of epoch \d+ of 12; epoch 0 is first@1 as published\.", card)
    assert "**Non-commercial use only.**" in card


def test_the_error_falls_in_every_training(run: Run) -> None:
    for name in ("fold 1", "fold 2", "all photos"):
        beginning, *rows = [row for row in epochs_of(run) if row["training"] == name]
        losses = [float(row["loss"]) for row in rows]
        assert losses[-1] < 0.5 * losses[0]
        assert (beginning["epoch"], beginning["loss"]) == ("0", "")
        assert float(rows[-1]["validation_loss"]) < float(beginning["validation_loss"])


def test_the_description_inherits_and_measures(run: Run) -> None:
    description = run.description

    assert (description.architecture, description.fine_tuned_from, description.trunks) == ("vitmem", "first@1", ())
    assert description.licence.name == "Tiny Non-commercial License"
    assert not description.licence.commercial_use
    (measured,) = description.performance
    assert (measured.dataset, measured.n) == ("scenes, 2-fold cross-validation", N_PHOTOS)
    assert measured.spearman == run.record.cross_validation.spearman
    assert description.reference is not None
    assert description.reference.n == N_PHOTOS


def test_a_published_run_scores_without_the_network_that_it_began_with(
    served: ModelStore, dataset: Dataset, tmp_path: Path
) -> None:
    store = ModelStore(shutil.copytree(served.root, tmp_path / "store"))
    manifest = store.manifest("scenes")
    store.set_alias("live", serve_alone(store, manifest).ref)
    store.remove("first@1")

    predictions = predict(find_spec(store, "live"), dataset, None)

    assert store.verify(manifest.ref) == manifest
    assert EnsembleSpec.of_ensemble(store, "live").manifests.keys() == {"scenes@1"}
    assert np.corrcoef(predictions.scores, dataset.scores)[0, 1] > 0.8
    assert predictions.scores.max() > predictions.scores.min() + 0.2


def test_a_killed_run_ends_as_it_would_have_ended(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    """Killed while it decodes, in a fold's second epoch, and in the published training."""
    options = replace(OPTIONS, settings=replace(SETTINGS, epochs=2))
    whole = fine_tune(ModelStore(published), dataset, options, work(tmp_path / "whole"), tmp_path / "whole" / "run")
    options = replace(options, settings=replace(options.settings, checkpoint_minutes=0))
    seen: list[tuple[str, int]] = []

    def die_at(*moment: object) -> Run:
        def watch(progress: Progress) -> None:
            seen.append((progress.step, progress.done))
            if seen[-1] == moment:
                raise Killed

        return fine_tune(ModelStore(published), dataset, options, work(tmp_path), tmp_path / "run", watch)

    for moment in [
        ("decoding photos", 3),
        ("training, fold 1", 11),
        ("training, all photos", 60),
    ]:
        with pytest.raises(Killed):
            die_at(*moment)
    with pytest.raises(TrainingError, match="holds no finished run"):
        Run.read(tmp_path / "run")
    seen.clear()
    resumed = die_at("never")

    assert seen[:2] == [("training, all photos", 32), ("training, all photos", 60)]  # the step that was not kept
    assert resumed.parameters.read_bytes() == whole.parameters.read_bytes()
    assert resumed.record.cross_validation == whole.record.cross_validation
    for name in ("predictions.csv", "epochs.csv"):
        assert (resumed.folder / name).read_text() == (whole.folder / name).read_text()
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_second_run_is_told_at_once_and_leaves_the_first_ones_work_alone(
    published: Path, dataset: Dataset, tmp_path: Path
) -> None:
    refused: list[str] = []

    def begin_another(progress: Progress) -> None:
        if (progress.step, progress.done) in {("decoding photos", 3), ("training, held out", 5)}:
            with pytest.raises(InUseError, match="changing the work of a run in"):
                fine_tune(ModelStore(published), dataset, HELD_OUT, work(tmp_path), tmp_path / "other")
            refused.append(progress.step)

    first = fine_tune(ModelStore(published), dataset, HELD_OUT, work(tmp_path), tmp_path / "run", begin_another)

    assert refused == ["decoding photos", "training, held out"]
    assert first.record.cross_validation.n == 15


def test_a_run_that_is_asked_to_stop_goes_on_later(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    arguments = (ModelStore(published), dataset, HELD_OUT, work(tmp_path), tmp_path / "run")
    done: list[int] = []

    def note(progress: Progress) -> None:
        if progress.step != "decoding photos":
            done.append(progress.done)

    with pytest.raises(InterruptedTrainingError, match="stopped in held out after 5 of 26 updates"):
        fine_tune(*arguments, note, lambda: done[-1] == 5)
    finished = fine_tune(*arguments, note)

    assert done == [0, 1, 2, 3, 4, 5, 0, *range(6, 27)]
    assert finished.record.cross_validation.n == 15


def test_other_settings_begin_anew(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    done: list[int] = []

    def stop() -> bool:
        return True

    for options in (HELD_OUT, replace(HELD_OUT, settings=replace(HELD_OUT.settings, seed=1))):
        with pytest.raises(InterruptedTrainingError):
            fine_tune(
                ModelStore(published), dataset, options, work(tmp_path), tmp_path / "run",
                lambda progress: done.append(progress.done) if "training" in progress.step else None, stop,
            )  # fmt: skip

    assert done == [0, 1, 0, 1]


def test_one_held_out_part_measures_the_published_network_itself(
    published: Path, dataset: Dataset, store: ModelStore, tmp_path: Path
) -> None:
    held_out = fine_tune(ModelStore(published), dataset, HELD_OUT, work(tmp_path), tmp_path / "run")

    assert (held_out.record.cross_validation.n, held_out.record.n_photos) == (15, 57)
    assert held_out.description.performance[0].dataset == "scenes, held-out photos"
    assert len(map_tensors(held_out.seen)["sha256"]) == 57
    assert "on 15 photos that it never saw" in " ".join((held_out.folder / "MODEL_CARD.md").read_text().split())
    served = predict(find_spec(store, publish_run(store, held_out, "1").ref), held_out_photos(held_out, dataset), None)
    with (held_out.folder / "predictions.csv").open() as file:
        told = [float(row["prediction"]) for row in csv.DictReader(file)]
    assert served.scores == pytest.approx(told, abs=1e-4)


def test_a_test_split_is_measured_by_the_published_network(published: Path, tmp_path: Path) -> None:
    splits = ["test" if index % 4 == 0 else "train" for index in range(N_PHOTOS)]
    data = load_dataset(write_dataset(tmp_path / "data", N_PHOTOS, extra={"split": splits}))
    short = replace(OPTIONS, settings=replace(SETTINGS, epochs=1))

    measured = fine_tune(ModelStore(published), data, short, work(tmp_path), tmp_path / "run").record

    assert measured.test is not None
    assert (measured.cross_validation.n, measured.test.n) == (54, 18)


def test_training_stops_once_it_no_longer_helps(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    """Learning rates of 0: the first epoch is the best one that was trained."""
    still = replace(HELD_OUT.settings, epochs=8, patience=2, learning_rate=1e-12, trunk_learning_rate=0.0)

    stopped = fine_tune(
        ModelStore(published), dataset, replace(HELD_OUT, settings=still), work(tmp_path), tmp_path / "run"
    )

    assert [row["epoch"] for row in epochs_of(stopped)] == ["0", "1", "2", "3"]


def test_a_training_that_makes_it_worse_keeps_the_network_that_it_began_with(
    published: Path, dataset: Dataset, tmp_path: Path
) -> None:
    rough = replace(HELD_OUT, settings=replace(HELD_OUT.settings, learning_rate=1.0, trunk_learning_rate=1.0))

    kept = fine_tune(ModelStore(published), dataset, rough, work(tmp_path), tmp_path / "run")

    beginning, *trained = epochs_of(kept)
    assert beginning["loss"] == ""
    assert float(beginning["validation_loss"]) < min(float(row["validation_loss"]) for row in trained)
    mine, first = map_tensors(kept.parameters), map_tensors(ModelStore(published).path("first@1") / PARAMETERS_FILE)
    assert all(np.array_equal(mine[path], first[path]) for path in first)
    assert kept.record.cross_validation.spearman == pytest.approx(kept.record.trunk_spearman["first@1"])
    assert "**None of 2 epochs made it better than first@1" in (kept.folder / "MODEL_CARD.md").read_text()


def test_a_diverging_training_is_refused(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    wild = replace(HELD_OUT.settings, learning_rate=1e38, trunk_learning_rate=1e38)

    with pytest.raises(TrainingError, match=r"held out: the error is not finite at step \d; lower learning rates"):
        fine_tune(ModelStore(published), dataset, replace(HELD_OUT, settings=wild), work(tmp_path), tmp_path / "run")


def test_a_run_is_compared_on_photos_that_it_did_not_see(run: Run, dataset: Dataset, served: ModelStore) -> None:
    photos = held_out_photos(run, dataset)

    verdict = compare_with_model(run, photos, predict(find_spec(served, "first"), photos, Measure.HIT_RATE))

    assert verdict.is_better
    assert compare_with_run(run, run).n == N_PHOTOS
    with pytest.raises(TrainingError, match="scenes@1 may have been trained on these photos"):
        require_unseen(EnsembleSpec.of_model(served, "scenes"))
    other = Dataset("other", dataset.examples[:60])
    with pytest.raises(TrainingError, match="other is not the data that"):
        held_out_photos(run, other)


def test_what_cannot_be_trained_is_refused(dataset: Dataset, served: ModelStore, tmp_path: Path) -> None:
    arguments = (work(tmp_path), tmp_path / "run")
    few = Dataset("few", dataset.examples[:49])
    with pytest.raises(TrainingError, match="few has 49 photos to train on; at least 50 are needed"):
        fine_tune(served, few, OPTIONS, *arguments)
    with pytest.raises(TrainingError, match=r"scenes@1 was fine-tuned on 72 of these 72 photos .* begin with first@1"):
        fine_tune(served, dataset, replace(OPTIONS, trunk="scenes"), *arguments)
    with pytest.raises(TrainingError, match=r"scenes@1 was fine-tuned on 72 of these 72 photos"):
        run_job(served, dataset, TrainingJob("more", ("scenes",)), Folders(tmp_path / "run", *[tmp_path / "cache"] * 2))
    with pytest.raises(NotFoundError, match="nobody"):
        fine_tune(served, dataset, replace(OPTIONS, trunk="nobody"), *arguments)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match="run holds other things than a run"):
        fine_tune(served, dataset, OPTIONS, *arguments)


def test_photos_that_a_trunk_has_learned_from_are_known_in_other_data_sets_too(
    served: ModelStore, dataset: Dataset, tmp_path: Path
) -> None:
    """In another order, among others, with another score."""
    strange = load_dataset(write_dataset(tmp_path / "strange", 150)).examples[-60:]
    known = [replace(example, score=0.5) for example in reversed(dataset.examples[:3])]
    mixed, apart = Dataset("mixed", (*strange, *known)), Dataset("apart", strange)
    scenes = served.manifest("scenes")

    with pytest.raises(
        TrainingError, match=r"scenes@1 was fine-tuned on 3 of these 63 photos \(002.png is the first\)"
    ):
        run_job(served, mixed, TrainingJob("more", ("scenes",)), Folders(tmp_path / "run", *[tmp_path / "cache"] * 2))

    require_unseen_by(served, [scenes], apart)
    require_unseen_by(served, [served.manifest("first")], mixed)
    assert len(seen_photos(served, scenes, strange)) == N_PHOTOS + 60


def test_a_network_of_an_earlier_release_knows_its_data_set_as_a_whole(served: ModelStore, dataset: Dataset) -> None:
    scenes = served.manifest("scenes")
    earlier = scenes.model_copy(update={"files": {PARAMETERS_FILE: scenes.files[PARAMETERS_FILE]}})

    with pytest.raises(TrainingError, match="scenes@1 was fine-tuned on 72 of these 72 photos"):
        require_unseen_by(served, [earlier], dataset)
    require_unseen_by(served, [earlier], Dataset("fewer", dataset.examples[1:]))


def test_what_began_with_a_network_of_an_earlier_release_knows_that_ones_data_set(
    served: ModelStore, run: Run, dataset: Dataset, tmp_path: Path
) -> None:
    """As long as the store has it: what the later one keeps of its photos cannot hold those."""
    store = ModelStore(shutil.copytree(served.root, tmp_path / "store"))
    with store.draft("earlier", "1") as draft:
        shutil.copyfile(run.parameters, draft.path / PARAMETERS_FILE)
        draft.commit(run.description, check=lambda _folder, _manifest: None)
    strange = load_dataset(write_dataset(tmp_path / "strange", 150)).examples[-60:]
    (store.path("scenes") / SEEN_FILE).unlink()
    write_seen(store.path("scenes") / SEEN_FILE, seen_photos(store, store.manifest("earlier"), strange))
    later = store.manifest("scenes").model_copy(update={"fine_tuned_from": "earlier@1"})

    with pytest.raises(TrainingError, match="scenes@1 was fine-tuned on 72 of these 72 photos"):
        require_unseen_by(store, [later], dataset)
    require_unseen_by(store, [later], Dataset("fewer", dataset.examples[1:]))
    store.remove("earlier@1")
    require_unseen_by(store, [later], dataset)


def test_what_a_trunk_has_learned_from_must_be_readable(served: ModelStore, dataset: Dataset, tmp_path: Path) -> None:
    store = ModelStore(shutil.copytree(served.root, tmp_path / "store"))
    (store.path("scenes") / SEEN_FILE).unlink()

    with pytest.raises(CorruptModelError, match="does not hold the photos that scenes@1 learned from"):
        require_unseen_by(store, [store.manifest("scenes")], dataset)


def test_parameters_are_stored_as_the_networks_are(run: Run, published: Path) -> None:
    mine, first = map_tensors(run.parameters), map_tensors(ModelStore(published).path("first@1") / "params.safetensors")

    assert {path: (value.shape, value.dtype) for path, value in mine.items()} == {
        path: (value.shape, value.dtype) for path, value in first.items()
    }
    assert any(not np.array_equal(mine[path], first[path]) for path in mine)
