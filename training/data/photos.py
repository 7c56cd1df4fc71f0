"""Every photo of a data set is decoded once before anything is computed: what it holds, and what it looks like."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import imagehash
import numpy as np
from jaxtyping import UInt64

from model_store.images import ImageError, ImageLimits, check_size, decode

DECODERS = 2  # as many as keep two cores busy, with at most two photos of full size in memory
_BATCH = 64


@dataclass(frozen=True)
class Look:
    """What a readable photo holds.

    Attributes:
        sha256: of its bytes, in hexadecimal; features are cached under it.
        fingerprint: two perceptual hashes of 64 bits, of frequencies (https://www.phash.org) and of horizontal steps in
            brightness; nearly equal for photos that look alike. One alone takes many different landscapes for alike.
    """

    sha256: str
    fingerprint: tuple[int, int]


def inspect(
    paths: Sequence[Path], limits: ImageLimits, on_photo: Callable[[], object] = lambda: None
) -> Iterator[Look | str]:
    """Yields for each photo, in order, what it holds, or why it cannot be read."""
    with ThreadPoolExecutor(DECODERS) as pool:
        for batch in batched(paths, _BATCH, strict=False):
            for look in pool.map(lambda path: _inspect(path, limits), batch):
                on_photo()
                yield look


def _inspect(path: Path, limits: ImageLimits) -> Look | str:
    try:
        check_size(path.stat().st_size, path.name, limits)
        content = path.read_bytes()
        image = decode(content, path.name, limits)
    except (ImageError, OSError) as error:
        return str(error)
    hashes = (imagehash.phash(image), imagehash.dhash(image))
    frequencies, steps = (int(str(bits), 16) for bits in hashes)
    return Look(hashlib.sha256(content).hexdigest(), (frequencies, steps))


def group_duplicates(fingerprints: UInt64[np.ndarray, "photos 2"], max_bits: int) -> list[int]:
    """Gives photos that look alike the same number, also where only a third photo links them.

    Args:
        fingerprints: perceptual hashes.
        max_bits: how many of the 128 bits may differ.

    Returns:
        For each photo the position of the first one of its group.
    """
    first = list(range(len(fingerprints)))

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = first[index]
        return index

    for index, fingerprint in enumerate(fingerprints):
        bits = np.bitwise_count(fingerprints[index + 1 :] ^ fingerprint).sum(axis=1)
        alike = np.flatnonzero(bits <= max_bits)
        for other in alike + index + 1:
            low, high = sorted((root(index), root(int(other))))
            first[high] = low
    return [root(index) for index in range(len(first))]
