"""Folds of a cross-validation; near-duplicates are always in the same one."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

type Rows = Int[np.ndarray, " rows"]


def assign_folds(groups: Sequence[int], n_folds: int, random: np.random.Generator) -> Int[np.ndarray, " photos"]:
    """Gives each photo a fold, 0 to `n_folds` - 1, the same for all of a group; folds are nearly equal."""
    values, members = np.unique(np.asarray(groups), return_inverse=True)
    order = random.permutation(len(values))
    order = order[np.argsort(-np.bincount(members)[order], kind="stable")]  # the large ones first, to balance
    fold_of = np.empty(len(values), dtype=np.int64)
    fold_of[order] = np.arange(len(values)) % n_folds
    return fold_of[members]


def each_fold(folds: Int[np.ndarray, " photos"]) -> Iterator[tuple[Rows, Rows]]:
    """Yields the rows to train on and the rows to test on, for each fold."""
    for fold in range(folds.max() + 1):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
