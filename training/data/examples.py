"""Examples, data sets, and all that can be wrong with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from jaxtyping import Float

from training.errors import TrainingError

_LISTED_PROBLEMS = 200  # a terminal holds no more; the rest is counted


class Split(StrEnum):
    """What an example may be used for, where the data set says so."""

    TRAIN = "train"
    VALIDATION = "val"
    TEST = "test"


@dataclass(frozen=True)
class Line:
    """A line of a file that lists examples, counted from 1."""

    file: Path
    number: int

    def __str__(self) -> str:
        """As compilers and editors write it: `scores.csv:12`."""
        return f"{self.file}:{self.number}"


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set, and the line that says it."""

    line: Line
    message: str

    def __str__(self) -> str:
        """The line, then what is wrong with it."""
        return f"{self.line}: {self.message}"


class DataError(TrainingError):
    """A data set that cannot be trained on; the message lists every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        listed = [f"  {problem}" for problem in self.problems[:_LISTED_PROBLEMS]]
        if unlisted := len(self.problems) - len(listed):
            listed.append(f"  … and {unlisted} more")
        count = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}"
        super().__init__("\n".join([f"The data set has {count}; mend them and run again:", *listed]))


@dataclass(frozen=True)
class Example:
    """A photo and what people made of it.

    Attributes:
        name: the photo, as the data set names it.
        path: where it lies.
        score: hit rate, or another measure, between 0 and 1.
        line: where the data set says so.
        hits: how many people recognised it, None where that is not known.
        trials: how many people could have.
        split: None where the data set leaves it open.
        group: what figures are also given by, for instance a product line.
        sha256: of the photo's bytes, in hexadecimal; empty until the photo was looked at.
        duplicates: number that the photo shares with its near-duplicates in the data set.
    """

    name: str
    path: Path
    score: float
    line: Line
    hits: int | None = None
    trials: int | None = None
    split: Split | None = None
    group: str | None = None
    sha256: str = ""
    duplicates: int = 0


@dataclass(frozen=True)
class Dataset:
    """A checked data set: every photo can be read, and no near-duplicates lie in two splits.

    Attributes:
        name: for people, from its folder or file.
        examples: in the order of the files that list them.
    """

    name: str
    examples: tuple[Example, ...]

    @property
    def scores(self) -> Float[np.ndarray, " examples"]:
        """Scores in the order of the examples."""
        return np.array([example.score for example in self.examples], dtype=np.float64)

    def only(self, splits: Sequence[Split | None]) -> "Dataset":
        """The examples of some splits, under the same name."""
        return Dataset(self.name, tuple(example for example in self.examples if example.split in splits))

    @property
    def n_near_duplicates(self) -> int:
        """How many photos look like one that is listed before them."""
        return len(self.examples) - len({example.duplicates for example in self.examples})
