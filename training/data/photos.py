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
from PIL import Image, ImageOps

from model_store.images import ImageError, ImageLimits, check_size, decode

DECODERS = 2  # as many as keep two cores busy, with at most two photos of full size in memory
_BATCH = 64
_FREQUENCY_PIXELS = (32, 32)  # what imagehash shrinks a picture to, for frequencies and for steps
_STEP_PIXELS = (9, 8)

type Fingerprint = tuple[int, int]


@dataclass(frozen=True)
class Look:
    """What a readable photo holds.

    Attributes:
        sha256: of its bytes, in hexadecimal; features are cached under it.
        fingerprint: two perceptual hashes of 64 bits, of frequencies (https://www.phash.org) and of horizontal steps in
            brightness; nearly equal for photos that look alike. One alone takes many different landscapes for alike.
        mirrored: fingerprint of the photo's mirror image.
    """

    sha256: str
    fingerprint: Fingerprint
    mirrored: Fingerprint


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
    return Look(hashlib.sha256(content).hexdigest(), *_fingerprints(image))


def _fingerprints(image: Image.Image) -> tuple[Fingerprint, Fingerprint]:
    """Fingerprints of a picture and of its mirror image, which is made of the shrunken picture and so costs nothing."""
    grey = image.convert("L")
    small, steps = (grey.resize(size, Image.Resampling.LANCZOS) for size in (_FREQUENCY_PIXELS, _STEP_PIXELS))
    return _fingerprint(small, steps), _fingerprint(ImageOps.mirror(small), ImageOps.mirror(steps))


def _fingerprint(small: Image.Image, steps: Image.Image) -> Fingerprint:
    hashes = (imagehash.phash(small), imagehash.dhash(steps))
    frequencies, differences = (int(str(bits), 16) for bits in hashes)
    return frequencies, differences


def group_duplicates(looks: Sequence[Look], max_bits: int) -> list[int]:
    """Gives photos that look alike, or like each other's mirror image, the same number, also through a third photo.

    Args:
        looks: what the photos hold.
        max_bits: how many of the 128 bits may differ.

    Returns:
        For each photo the position of the first one of its group.
    """
    first = list(range(len(looks)))

    def root(index: int) -> int:
        while first[index] != index:
            first[index] = first[first[index]]
            index = first[index]
        return index

    fingerprints, mirrored = (
        np.array([getattr(look, view) for look in looks], dtype=np.uint64).reshape(-1, 2)
        for view in ("fingerprint", "mirrored")
    )
    for index in range(len(looks)):
        later = fingerprints[index + 1 :]
        bits = np.minimum(_distances(later, fingerprints[index]), _distances(later, mirrored[index]))
        for other in np.flatnonzero(bits <= max_bits) + index + 1:
            low, high = sorted((root(index), root(int(other))))
            first[high] = low
    return [root(index) for index in range(len(first))]


def _distances(
    fingerprints: UInt64[np.ndarray, "photos 2"], fingerprint: UInt64[np.ndarray, "2"]
) -> UInt64[np.ndarray, " photos"]:
    """In how many bits fingerprints differ from one."""
    bits: UInt64[np.ndarray, " photos"] = np.bitwise_count(fingerprints ^ fingerprint).sum(axis=1, dtype=np.uint64)
    return bits
