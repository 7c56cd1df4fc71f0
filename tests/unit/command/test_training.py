"""`memorability train` and `evaluate`: what they print where, and how they refuse."""

import json
import tarfile
from pathlib import Path

import pytest

from model_store.store import ModelStore
from tests.unit.command.running import FAILURE, SUCCESS, Command
from tests.unit.training.photos import write_dataset

N_PHOTOS = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "scenes", N_PHOTOS)


def test_train_prints_what_it_measured_and_where_it_lies(over: Command, data: Path, tmp_path: Path) -> None:
    options = ("--name", "scenes", "--trunk", "first", "--folds", "2", "--cache", tmp_path, "--out", tmp_path / "run")

    told = over("train", data, *options)
    again = over("train", data, *options, "--json")

    assert told.exit_code == SUCCESS
    assert f"on {N_PHOTOS} photos that the heads did not see" in " ".join(told.stdout.split())
    assert "non-commercial use only" in " ".join(told.stdout.split())
    assert "checking scenes: 1 of 60" in told.stderr
    assert "first@1, standard view: 0 of 60" in told.stderr
    record = json.loads(again.stdout)
    assert record["cross_validation"]["spearman"] > 0.7
    assert "first@1, standard view: 60 of 60" in again.stderr


def test_fine_tuning_prints_what_it_measured_and_can_be_published(over: Command, data: Path, tmp_path: Path) -> None:
    run, options = tmp_path / "run", ("--trunk", "first", "--folds", "1", "--epochs", "1", "--batch", "8")

    told = over("train", data, "--name", "scenes", "--fine-tune", *options, "--cache", tmp_path / "cache", "--out", run)
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(run, "scenes")
    published = over("models", "publish", tmp_path / "model.tar.gz", "--version", "1", "--alias", "live")
    scored = over("score", "--ensemble", "scenes", data / "images" / "000.png", "--json")

    assert told.exit_code == SUCCESS
    assert "on 12 photos that the network did not see" in " ".join(told.stdout.split())
    assert "training, held out: 0 of 6" in told.stderr
    assert "scenes@1 is published, alone in scenes@1; live → scenes@1" in published.stdout
    assert "Tiny Non-commercial License — non-commercial use only" in published.stdout
    assert json.loads(scored.stdout)["measures"]["hit_rate"]["models"][0]["model"] == "scenes@1"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--epochs", "3"), "epochs can be chosen only where a network is fine-tuned"),
        (("--fine-tune", "--heads", "3"), "heads can be chosen only where heads are trained"),
        (("--fine-tune", "--batch", "8", "--accumulate", "3"), "a batch of 8 cannot be computed in 3 equal parts"),
        (("--fine-tune", "--trunk", "first", "--trunk", "second"), "first and second cannot be fine-tuned together"),
        (("--folds", "1"), "a cross-validation of heads needs at least 2 folds"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: tuple[str, ...], reason: str, over: Command, data: Path
) -> None:
    result = over("train", data, "--name", "scenes", *options)

    assert result.exit_code == FAILURE
    assert reason in result.error


def test_a_bad_data_set_is_refused_with_every_problem(over: Command, data: Path, tmp_path: Path) -> None:
    listing = data / "bad.csv"
    listing.write_text("file,score\n000.png,2\ngone.png,0.5\n")

    result = over("train", listing, "--name", "scenes", "--cache", tmp_path)
    listing.unlink()

    assert result.exit_code == FAILURE
    assert "bad.csv:2: the score 2 does not lie between 0 and 1" in result.error
    assert "bad.csv:3: there is no photo gone.png" in result.error


def test_a_name_that_no_model_can_have_is_refused_at_once(over: Command, data: Path) -> None:
    result = over("train", data, "--name", "My Scenes")

    assert result.exit_code == FAILURE
    assert "'My Scenes' is not a reference" in result.error


def test_evaluate_compares_two_models(over: Command, store: ModelStore, data: Path, tmp_path: Path) -> None:
    told = over("evaluate", "first", data, "--against", "second", "--out", tmp_path / "out")
    as_json = over("evaluate", "live", data, "--measure", "hit_rate", "--json")

    assert told.exit_code == SUCCESS
    assert "first@1 less second@1" in told.stdout
    assert (tmp_path / "out" / "scatter.png").stat().st_size > 0
    evaluation = json.loads(as_json.stdout)
    assert (evaluation["model"], evaluation["figures"]["n"]) == ("default@1", N_PHOTOS)
    assert evaluation["figures"]["interval_intended"] == 0.9


def test_evaluate_names_what_it_does_not_find(over: Command, data: Path) -> None:
    result = over("evaluate", "nobody", data)

    assert result.exit_code == FAILURE
    assert "nobody" in result.error
    assert over("evaluate", "first", data, "--split", "test").exit_code == FAILURE
