"""What a person asks of a training, on a command line or in a job's hyperparameters: heads, or all of a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from model_store.store import Measure, ModelStore
from training.data import Dataset
from training.errors import TrainingError
from training.features.extraction import OnProgress
from training.fine_tuning.settings import FineTuneSettings, settings_for
from training.heads.settings import HeadSettings
from training.lineage import require_unseen_by
from training.runs import Run
from training.training import TrainingOptions, train

DEFAULT_TRUNKS = ("resmem",)
MINIMUM_FOLDS = 2  # of a cross-validation

type Setting = int | float | str | None


@dataclass(frozen=True)
class TrainingJob:
    """A training as it is asked for.

    Attributes:
        name: of the model.
        trunks: references of published models; of one, where it is fine-tuned.
        measure: what the data set's scores are.
        fine_tune: whether all of the network is trained, and not heads on it.
        settings: of `HeadSettings` or `FineTuneSettings` by name; None leaves the choice open.
    """

    name: str
    trunks: tuple[str, ...] = DEFAULT_TRUNKS
    measure: Measure = Measure.HIT_RATE
    fine_tune: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what does not go together.

        Raises:
            TrainingError: the message names it.
        """
        known = {one.name for one in fields(FineTuneSettings if self.fine_tune else HeadSettings)}
        if foreign := sorted(self.chosen.keys() - known):
            done = "heads are trained" if self.fine_tune else "a network is fine-tuned"
            raise TrainingError(f"{', '.join(foreign)} can be chosen only where {done}")
        if self.fine_tune and len(self.trunks) > 1:
            raise TrainingError(f"{' and '.join(self.trunks)} cannot be fine-tuned together: name one")
        if not self.fine_tune and int(self.chosen.get("folds", MINIMUM_FOLDS) or 0) < MINIMUM_FOLDS:
            raise TrainingError("a cross-validation of heads needs at least 2 folds")

    @property
    def chosen(self) -> dict[str, Setting]:
        """The settings that were not left open."""
        return {name: value for name, value in self.settings.items() if value is not None}


@dataclass(frozen=True)
class Folders:
    """Where a job reads and writes.

    Attributes:
        run: of the run.
        cache: for features and decoded photos.
        checkpoints: of fine-tuning; where the machine may be taken away, a folder that outlives it.
    """

    run: Path
    cache: Path
    checkpoints: Path


def run_job(
    store: ModelStore,
    dataset: Dataset,
    job: TrainingJob,
    folders: Folders,
    on_progress: OnProgress = lambda _progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Trains as a job says; see `training.training.train` and `training.fine_tuning.fine_tune.fine_tune`.

    Args:
        store: holds the trunks.
        dataset: checked.
        job: see there.
        folders: see there.
        on_progress: told of what is being done.
        should_stop: asked while a network is fine-tuned; then a checkpoint is written. Heads go on without one.

    Raises:
        NotFoundError: a trunk is not in the store.
        TrainingError: as those say.
    """
    if not job.fine_tune:
        require_unseen_by(store, map(store.manifest, job.trunks), dataset)
        heads = HeadSettings(**job.chosen)  # type: ignore[arg-type]  # by name, as they were asked for
        options = TrainingOptions(job.name, job.trunks, job.measure, heads)
        return train(store, dataset, options, folders.cache, folders.run, on_progress)
    import jax

    from training.fine_tuning.fine_tune import WorkFolders, fine_tune
    from training.fine_tuning.outcome import FineTuneOptions

    settings = settings_for(jax.default_backend(), **job.chosen)
    (trunk,) = job.trunks
    wanted = FineTuneOptions(job.name, trunk, job.measure, settings)
    places = WorkFolders(folders.cache / "fine-tuning", folders.checkpoints)
    return fine_tune(store, dataset, wanted, places, folders.run, on_progress, should_stop)
