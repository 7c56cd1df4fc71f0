"""A job as SageMaker runs it: its folders and variables, what it leaves, and how that is published."""

import json
import logging
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model_store.archives import ArchiveError
from model_store.store import Measure, ModelStore
from tests.unit.training.photos import write_dataset
from training.artefacts import is_run, open_run
from training.errors import TrainingError
from training.publishing import publish_run
from training.runs import Run
from training.sagemaker.environment import Environment
from training.sagemaker.hyperparameters import Hyperparameters
from training.sagemaker.job import FAILED, INTERRUPTED, SUCCEEDED, run

ROOT = Path(__file__).parents[3]
FINE_TUNING = {"name": "scenes", "trunk": "first", "fine-tune": "true", "folds": "1", "epochs": "1", "batch": "8"}


@dataclass(frozen=True)
class Instance:
    """A machine of SageMaker's: the variables of script mode, and the folders that they name."""

    folder: Path
    variables: dict[str, str]

    @property
    def failure(self) -> Path:
        return self.folder / "output" / "failure"

    def files(self, folder: str) -> set[str]:
        root = self.folder / folder
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    def told(self, hyperparameters: Mapping[str, Any]) -> dict[str, str]:
        return self.variables | {"SM_HPS": json.dumps(hyperparameters)}

    def pack(self) -> Path:
        """The model folder as SageMaker uploads it."""
        archive = self.folder / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as packed:
            for path in sorted((self.folder / "model").iterdir()):
                packed.add(path, path.name)
        return archive


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "scenes", 60)


@pytest.fixture
def instance(photos: Path, published: Path, tmp_path: Path) -> Instance:
    variables = {
        "SM_CHANNEL_TRAINING": str(photos),
        "SM_CHANNEL_STORE": str(published),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DIR": str(tmp_path / "output"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "output" / "data"),
        "MEMORABILITY_CHECKPOINTS": str(tmp_path / "checkpoints"),
    }
    for name in ("model", "output", "checkpoints"):
        (tmp_path / name).mkdir()
    return Instance(tmp_path, variables)


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_job_leaves_a_run_that_can_be_published(instance: Instance, store: ModelStore) -> None:
    """In a process of its own, told by variables and by the command line, as the training toolkit does."""
    arguments = ["--epochs", "2", "--sagemaker_region", "eu-central-1"]
    done = subprocess.run(
        [sys.executable, "-m", "training.sagemaker", *arguments],
        env=os.environ | instance.told(FINE_TUNING),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == SUCCEEDED, done.stderr
    assert "spearman=" in done.stderr
    assert instance.files("output") == {
        f"data/{name}"
        for name in ("MODEL_CARD.md", "epochs.csv", "predictions.csv", "run.json", "scatter.png", "training.png")
    }
    assert not instance.files("checkpoints")
    with open_run(instance.pack()) as trained:
        assert trained.record.settings["epochs"] == 2
        manifest = publish_run(store, trained, "1")
    assert not trained.folder.exists()
    assert manifest.fine_tuned_from == "first@1"
    assert manifest.performance == trained.description.performance
    assert store.verify("scenes@1") == manifest


def test_heads_are_trained_the_same_way(instance: Instance) -> None:
    told = instance.told({"name": "scenes", "trunk": "first", "heads": 3, "folds": 2})

    assert run([], told, instance.folder) == SUCCEEDED

    trained = Run.read(instance.folder / "model" / "scenes")
    assert trained.description.architecture_settings["heads"] == 3
    assert any(name.startswith("features/first-1-") for name in instance.files("checkpoints"))


def test_a_container_without_the_toolkit_finds_everything_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "input/config").mkdir(parents=True)
    (tmp_path / "input/config/hyperparameters.json").write_text('{"name": "scenes"}')

    found = Environment.read({}, tmp_path)

    assert found.photos == tmp_path / "input/data/training"
    assert found.store == tmp_path / "input/data/store"
    assert (found.model, found.output) == (tmp_path / "model", tmp_path / "output/data")
    assert (found.failure, found.checkpoints) == (tmp_path / "output/failure", tmp_path / "checkpoints")
    assert Hyperparameters.read(found.hyperparameters, ["train"]).name == "scenes"


def test_a_job_that_is_taken_away_goes_on_elsewhere(instance: Instance, sigterm: None) -> None:
    class Reclaim(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "training, held out: 0 of" in record.getMessage():
                signal.raise_signal(signal.SIGTERM)

    logger, reclaim = logging.getLogger("training.sagemaker.job"), Reclaim()
    logger.setLevel(logging.INFO)
    logger.addHandler(reclaim)
    try:
        assert run([], instance.told(FINE_TUNING), instance.folder) == INTERRUPTED
    finally:
        logger.removeHandler(reclaim)
    assert instance.files("checkpoints")
    assert not instance.files("model")
    assert not instance.failure.exists()

    assert run([], instance.told(FINE_TUNING), instance.folder) == SUCCEEDED

    assert not instance.files("checkpoints")


def test_a_bad_data_set_is_the_reason_of_the_failure(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "scores.csv").write_text("file,score\na.png,2\n" + "b.png,0.5\n" * 100)
    told = instance.told(FINE_TUNING) | {"SM_CHANNEL_TRAINING": str(tmp_path / "bad")}

    assert run([], told, instance.folder) == FAILED

    reason = instance.failure.read_text()
    assert reason.startswith("The data set has")
    assert "scores.csv:2: the score 2 does not lie between 0 and 1" in reason
    assert len(reason) == 1024
    assert not instance.files("model")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trunk": "nobody"}, "nobody"),
        ({"name": "My Scenes"}, "name: "),
        ({"epochs": "many"}, "epochs: "),
        ({"precision": "int4"}, "'int4' is not a valid ComputePrecision: it must be one of float32, bfloat16"),
        ({"speed": "11"}, "speed: "),
        ({"heads": "5"}, "heads can be chosen only where heads are trained"),
        ({"fine-tune": "false"}, "batch, epochs can be chosen only where a network is fine-tuned"),
        ({"trunk": "first,second"}, "first and second cannot be fine-tuned together"),
    ],
)
def test_a_job_that_asks_for_what_cannot_be_fails_with_the_reason(
    change: dict[str, str], reason: str, instance: Instance
) -> None:
    assert run([], instance.told(FINE_TUNING | change), instance.folder) == FAILED
    assert reason in instance.failure.read_text()


def test_a_missing_channel_is_named(instance: Instance) -> None:
    told = {name: value for name, value in instance.told(FINE_TUNING).items() if name != "SM_CHANNEL_STORE"}

    assert run([], told, instance.folder) == FAILED
    assert "the job has no channel 'store'" in instance.failure.read_text()


def test_hyperparameters_come_in_every_form() -> None:
    given = {"name": '"scenes"', "fine_tune": "True", "learning-rate": "1e-4", "sagemaker_program": '"run.py"'}

    wanted = Hyperparameters.read(json.dumps(given), ["--measure", "false_alarm_rate", "--fine-tune", "false"])

    assert (wanted.name, wanted.fine_tune, wanted.learning_rate) == ("scenes", False, 1e-4)
    assert wanted.measure is Measure.FALSE_ALARM_RATE
    with pytest.raises(TrainingError, match="no JSON"):
        Hyperparameters.read("{")
    with pytest.raises(TrainingError, match="this cannot be read: --epochs"):
        Hyperparameters.read("{}", ["--epochs"])


class TestArchives:
    def pack(self, folder: Path, *members: tarfile.TarInfo) -> Path:
        archive = folder / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as packed:
            for member in members:
                packed.addfile(member)
        return archive

    def test_paths_that_lead_elsewhere_are_refused(self, tmp_path: Path) -> None:
        archive = self.pack(tmp_path, tarfile.TarInfo("../escaped/run.json"))

        with pytest.raises(ArchiveError, match="leads out of its folder"), open_run(archive):
            pass
        assert not (tmp_path / "escaped").exists()

    def test_links_are_refused(self, tmp_path: Path) -> None:
        link = tarfile.TarInfo("scenes/model")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"

        with pytest.raises(ArchiveError, match="neither a file nor a folder"), open_run(self.pack(tmp_path, link)):
            pass

    def test_an_archive_without_a_run_is_refused(self, tmp_path: Path) -> None:
        archive = self.pack(tmp_path, tarfile.TarInfo("code/train.py"))

        assert is_run(archive)
        with (
            pytest.raises(TrainingError, match=r"model.tar.gz holds 0 finished runs, where one is needed"),
            open_run(archive),
        ):
            pass
        assert not is_run(tmp_path / "resmem")
