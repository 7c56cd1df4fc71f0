"""Photos that nobody has scored, as a data set: looked at once, near-duplicates found, split into three parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model_store.images import ImageLimits
from training.data import Dataset, Example
from training.data.examples import Line
from training.data.folds import Rows
from training.data.photos import Look, group_duplicates, inspect
from training.data.reading import MAX_DUPLICATE_BITS
from training.distillation.settings import MINIMUM_PHOTOS, DistilSettings
from training.errors import TrainingError
from training.features.extraction import OnProgress, Progress


@dataclass(frozen=True)
class Photos:
    """What a teacher is asked about.

    Attributes:
        dataset: the photos that can be read, each once, with the score 0.
        unreadable: why others cannot.
    """

    dataset: Dataset
    unreadable: tuple[str, ...]


def look_at(paths: Sequence[Path], name: str, on_progress: OnProgress) -> Photos:
    """Decodes every photo once; the same bytes under two names count once.

    Args:
        paths: of the photos.
        name: of the data set, for people.
        on_progress: told of photos that were looked at.

    Raises:
        TrainingError: too few of them can be read.
    """
    step = Progress(f"looking at {name}", 0, len(paths))
    readable: dict[str, tuple[Path, Look]] = {}
    unreadable = []
    looks = inspect(paths, ImageLimits())
    for done, (path, look) in enumerate(zip(paths, looks, strict=True), 1):
        if isinstance(look, Look):
            readable.setdefault(look.sha256, (path, look))
        else:
            unreadable.append(f"{path}: {look}")
        on_progress(Progress(step.step, done, step.total))
    if len(readable) < MINIMUM_PHOTOS:
        raise TrainingError(f"{len(readable)} photos can be read; a student needs at least {MINIMUM_PHOTOS}")
    return Photos(Dataset(name, _examples(list(readable.values()))), tuple(unreadable))


def _examples(readable: Sequence[tuple[Path, Look]]) -> tuple[Example, ...]:
    groups = group_duplicates([look for _, look in readable], MAX_DUPLICATE_BITS)
    return tuple(
        Example(str(path), path, score=0.0, line=Line(path, 1), sha256=look.sha256, duplicates=group)
        for (path, look), group in zip(readable, groups, strict=True)
    )


@dataclass(frozen=True)
class Parts:
    """Rows of a data set; no photo or near-duplicate is in two parts.

    Attributes:
        train: what the student learns.
        validation: what chooses.
        held_out: what measures, once.
    """

    train: Rows = field(repr=False)
    validation: Rows = field(repr=False)
    held_out: Rows = field(repr=False)


def split(dataset: Dataset, settings: DistilSettings) -> Parts:
    """Draws the parts from the seed; near-duplicates go to one part together.

    Raises:
        TrainingError: a part would be empty.
    """
    groups = np.array([example.duplicates for example in dataset.examples])
    order = np.random.default_rng(settings.seed).permutation(np.unique(groups))
    ends = np.round(np.cumsum([settings.held_out_share, settings.validation_share]) * len(order)).astype(int)
    held_out, validation, train = (np.flatnonzero(np.isin(groups, part)) for part in np.split(order, ends))
    if not (train.size and validation.size and held_out.size):
        raise TrainingError(
            f"“{dataset.name}” has {len(order)} kinds of pictures apart from near-duplicates, too few for a part that "
            "teaches, one that chooses and one that measures: add other photos"
        )
    return Parts(train, validation, held_out)
