"""From what the trainings have shown to figures and to the description of the network."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np

from model_store.models.precision import compact
from model_store.store import Manifest, Measure
from model_store.store.manifest import Performance, Precision
from training.data import Dataset, Example, Split
from training.describing import performance_on, reference_of
from training.evaluation.consistency import human_consistency
from training.evaluation.figures import by_group, figures
from training.evaluation.metrics import spearman
from training.fine_tuning.describing import describe_network
from training.fine_tuning.network import widened
from training.fine_tuning.results import HeldOut
from training.fine_tuning.settings import FineTuneSettings
from training.fine_tuning.stages import Stage
from training.fine_tuning.trainings import Trainings
from training.fine_tuning.writing import NetworkOutcome
from training.runs import Ceiling, Figures, RunRecord
from training.training import OPEN_SPLITS

KIND = "fine-tuned"


@dataclass(frozen=True)
class FineTuneOptions:
    """What a run is asked to do.

    Attributes:
        name: of the model.
        trunk: reference of the published network to begin with.
        measure: what the data set's scores are.
        settings: of the trainings.
    """

    name: str
    trunk: str
    measure: Measure = Measure.HIT_RATE
    settings: FineTuneSettings = field(default_factory=FineTuneSettings)


def tell_outcome(
    trunk: Manifest,
    options: FineTuneOptions,
    dataset: Dataset,
    stages: Sequence[Stage],
    trainings: Trainings,
    seconds: dict[str, float],
) -> NetworkOutcome:
    """All that a run has to tell of its trainings.

    Args:
        trunk: that they began with.
        options: of the run.
        dataset: all of it.
        stages: what was trained, the published one last.
        trainings: what came of it.
        seconds: that each step took.
    """
    published, last = stages[-1], trainings.results[-1]
    measuring, results = (stages[:-1], trainings.results[:-1]) if len(stages) > 1 else (stages, trainings.results)
    held_out = HeldOut.of(measuring, results)
    test = figures(np.array(last.predictions), dataset.scores[published.measured]) if _has_test(stages) else None
    record = _record(trunk, options, dataset, stages, held_out, test, seconds)
    stored = compact(trainings.parameters) if trunk.precision is Precision.COMPACT else trainings.parameters
    reference = reference_of(
        held_out.predictions, f"{len(held_out.rows):,} photos of {dataset.name}, none seen by the network"
    )
    performance = _performance(record, dataset, published)
    described = dataset.only(OPEN_SPLITS)
    description = describe_network(trunk, widened(stored), described, options.measure, performance, reference)
    return NetworkOutcome(record, description, stored, dataset, held_out, stages, trainings.results)


def _has_test(stages: Sequence[Stage]) -> bool:
    """Whether the published network was measured on a test split beside the cross-validation."""
    return len(stages) > 1 and stages[-1].measured.size > 0


def _record(
    trunk: Manifest,
    options: FineTuneOptions,
    dataset: Dataset,
    stages: Sequence[Stage],
    held_out: HeldOut,
    test: Figures | None,
    seconds: dict[str, float],
) -> RunRecord:
    scores = dataset.scores[held_out.rows]
    examples = _at(dataset, held_out)
    found = human_consistency(examples)
    published = stages[-1]
    return RunRecord(
        name=options.name,
        dataset=dataset.name,
        n_photos=len(published.learned),
        n_near_duplicates=dataset.n_near_duplicates,
        trunks=(trunk.ref,),
        kind=KIND,
        settings=asdict(options.settings),
        cross_validation=figures(held_out.predictions, scores),
        by_group=by_group(examples, held_out.predictions, scores),
        trunk_spearman={trunk.ref: spearman(held_out.published, scores)} if trunk.measure is options.measure else {},
        test=test,
        ceiling=Ceiling(**asdict(found)) if found else None,
        seconds=seconds,
        finished_at=datetime.now(UTC),
    )


def _at(dataset: Dataset, held_out: HeldOut) -> list[Example]:
    return [dataset.examples[row] for row in held_out.rows]


def _performance(record: RunRecord, dataset: Dataset, published: Stage) -> list[Performance]:
    is_test = all(dataset.examples[row].split is Split.TEST for row in published.measured)
    if record.settings["folds"] != 1:
        how = f"{record.settings['folds']}-fold cross-validation"
    else:
        how = "test split" if is_test else "held-out photos"
    measured = [performance_on(f"{record.dataset}, {how}", record.cross_validation)]
    return [*measured, *([performance_on(f"{record.dataset}, test split", record.test)] if record.test else [])]
