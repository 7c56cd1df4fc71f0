"""Golden cases: images made from a seed, and the scores a model must give for them before it is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from model_store.errors import MemorabilityError

if TYPE_CHECKING:
    from model_store.store.manifest import GoldenCase

BLOCK_PIXELS = 16
NOISE = 32


class GoldenCaseError(MemorabilityError):
    """A model that does not give the scores it must give."""


def golden_image(seed: int, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Coloured blocks of 16×16 pixels under noise: rich enough to drive every layer, the same on every machine.

    NumPy keeps the stream of `RandomState` frozen for ever (NEP 19), which no other generator promises.
    """
    random = np.random.RandomState(seed)
    blocks = -(-size // BLOCK_PIXELS)
    colours = random.randint(0, 256 - NOISE, (blocks, blocks, 3))
    image = colours.repeat(BLOCK_PIXELS, axis=0).repeat(BLOCK_PIXELS, axis=1)[:size, :size]
    return (image + random.randint(0, NOISE, (size, size, 3))).astype(np.uint8)


def require_golden_scores(
    model: Callable[[UInt8[np.ndarray, "batch size size 3"]], Float[np.ndarray, " batch"]],
    cases: Iterable[GoldenCase],
    size: int,
    ref: str,
    at_least: int = 1,
) -> None:
    """Scores every golden image.

    Args:
        model: scores a batch of images.
        cases: seeds and scores; without any there is nothing to require.
        size: pixels on each side of the model's input.
        ref: the model's name, for the message.
        at_least: images to score, the cases being repeated; so that a model sees its largest batches too.

    Raises:
        GoldenCaseError: a score is further off than its tolerance; the message lists all of them.
    """
    once = list(cases)
    cases = list(islice(cycle(once), max(len(once), at_least)))
    if not cases:
        return
    scores = model(np.stack([golden_image(case.seed, size) for case in cases]))
    faults = [
        f"seed {case.seed}: {score:.6f}, expected {case.score:.6f} ± {case.tolerance:g}"
        for case, score in zip(cases, scores.tolist(), strict=True)
        if not abs(score - case.score) <= case.tolerance
    ]
    if faults:
        listed = "; ".join(dict.fromkeys(faults))
        raise GoldenCaseError(f"{ref} does not give its golden scores, so it is not published: {listed}")
