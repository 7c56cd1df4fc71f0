"""`memorability models publish`: from a run's folder to what is served here, and how it refuses."""

import json
from pathlib import Path

import pytest

from model_store.store import ModelStore
from tests.unit.command.running import BAD_USAGE, FAILURE, SUCCESS, Command
from tests.unit.training.photos import write_dataset
from training.data import load_dataset
from training.heads.settings import HeadSettings
from training.runs import Run
from training.training import TrainingOptions, train

N_PHOTOS = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "scenes", N_PHOTOS)


@pytest.fixture(scope="module")
def run(data: Path, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    settings = HeadSettings(components=16, penalties=(0.03, 0.3), folds=2, inner_folds=2)
    options = TrainingOptions(name="scenes", trunks=("first",), heads=settings)
    return train(ModelStore(published), load_dataset(data), options, folder / "cache", folder / "run")


def test_a_run_is_published_and_served(over: Command, store: ModelStore, run: Run) -> None:
    told = over("models", "publish", run.folder, "--alias", "live", "--version", "1")

    assert told.exit_code == SUCCESS
    assert "scenes@1 is published, alone in scenes@1; live → scenes@1" in told.stdout
    assert "Tiny Non-commercial License — non-commercial use only" in told.stdout
    assert "Inherited from the networks whose features the model reads." in " ".join(told.stdout.split())
    assert store.aliases() == {"live": "scenes@1"}
    assert store.verify("scenes@1").performance == run.description.performance


def test_without_an_alias_what_is_live_stays_and_again_changes_nothing(
    over: Command, store: ModelStore, run: Run
) -> None:
    first, again = (over("models", "publish", run.folder, "--json") for _ in range(2))

    said = json.loads(first.stdout)
    assert said == json.loads(again.stdout)
    assert said["model"] == f"scenes@{run.record.finished_at:%Y.%m.%d.%H%M%S}"
    assert (said["ensemble"], said["alias"], said["comparison"]) == ("scenes@1", None, None)
    assert said["licence"]["commercial_use"] is False
    assert store.aliases() == {"live": "default@1"}


def test_a_run_that_is_better_than_what_is_live_is_published(
    over: Command, store: ModelStore, run: Run, data: Path
) -> None:
    result = over(
        "models", "publish", run.folder, "--alias", "live", "--if-better-than", "live", "--on", data, "--json"
    )

    comparison = json.loads(result.stdout)["comparison"]
    assert comparison["difference"]["against"] == "default@1"
    assert comparison["difference"]["ci95"][0] > 0
    assert comparison["n"] == N_PHOTOS
    assert store.aliases() == {"live": "scenes@1"}


def test_a_run_that_is_not_better_leaves_everything_as_it_was(over: Command, store: ModelStore, run: Run) -> None:
    result = over("models", "publish", run.folder, "--alias", "live", "--if-better-than", run.folder)

    assert result.exit_code == FAILURE
    assert f"Nothing was published: scenes reaches Spearman {run.record.cross_validation.spearman:.3f}" in result.error
    assert "+0.000 (+0.000 to +0.000); all of the interval would have to lie above 0" in result.error
    assert store.aliases() == {"live": "default@1"}
    assert "scenes" not in {manifest.name for manifest in store.models().items}


def test_heads_that_may_have_seen_the_photos_are_no_yardstick(over: Command, run: Run, data: Path) -> None:
    over("models", "publish", run.folder, "--version", "1")

    result = over("models", "publish", run.folder, "--version", "2", "--if-better-than", "scenes", "--on", data)

    assert result.exit_code == FAILURE
    assert "scenes@1 may have been trained on these photos" in result.error


def test_a_name_that_is_taken_is_told_before_anything_is_published(over: Command, store: ModelStore, run: Run) -> None:
    result = over("models", "publish", run.folder, "--alias", "default")

    assert result.exit_code == BAD_USAGE
    assert "default is an ensemble" in result.error
    assert "scenes" not in {manifest.name for manifest in store.models().items}


def test_a_missing_trunk_is_named(over: Command, store: ModelStore, run: Run) -> None:
    store.remove_alias("live")
    store.remove("first@1")

    result = over("models", "publish", run.folder)

    assert result.exit_code == FAILURE
    assert "first@1" in result.error


def test_bad_usage_is_told_before_anything_is_done(over: Command, store: ModelStore, run: Run, tmp_path: Path) -> None:
    before = store.models()
    (tmp_path / "empty").mkdir()

    assert over("models", "publish", "first").exit_code == BAD_USAGE
    assert over("models", "publish", run.folder, "--alias", "scenes").exit_code == BAD_USAGE
    assert over("models", "publish", run.folder, "--if-better-than", "live").exit_code == BAD_USAGE
    assert "holds no finished run" in over("models", "publish", tmp_path / "empty").error
    assert store.models() == before


def test_a_deployment_file_of_an_earlier_release_is_refused_before_anything_is_done(
    over: Command, store: ModelStore, run: Run, tmp_path: Path
) -> None:
    before = store.models()
    file = tmp_path / "deployment.json"
    file.write_text('{"region": "eu-central-1", "uploads_bucket": "photos", "results_table": "results"}')

    result = over("models", "publish", run.folder, "--deployment", file)

    assert result.exit_code == FAILURE
    assert "names no artefacts_bucket to publish models through: `make deploy`" in result.error
    assert store.models() == before
