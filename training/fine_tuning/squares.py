"""Every photo as the square that crops are cut from, decoded once and kept in one file."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.lib.format import open_memmap

from model_store.images import ImageLimits, Preprocessing, decode
from model_store.store.atomic import make_folder, new_staging_path, sweep
from training.data import Example
from training.features.extraction import OnProgress, Progress

SQUARES_FILE = "squares.npy"
_STEP = "decoding photos"

type Squares = UInt8[np.ndarray, "photos resize resize 3"]


def open_squares(examples: Sequence[Example], resize: int, folder: Path, on_progress: OnProgress) -> Squares:
    """The photos, resized to squares, in a memory map; they are decoded where the file is not there yet.

    Args:
        examples: in the order that the array gets.
        resize: side of the squares, in pixels.
        folder: in which the file lies, of these examples alone; nobody else works there meanwhile.
        on_progress: told of photos that were decoded.
    """
    path = folder / SQUARES_FILE
    make_folder(folder)
    if not path.exists():
        sweep(folder)
        staging = new_staging_path(folder)
        _decode(examples, resize, staging, on_progress)
        staging.rename(path)
    squares: Squares = np.load(path, mmap_mode="r")
    return squares


def _decode(examples: Sequence[Example], resize: int, path: Path, on_progress: OnProgress) -> None:
    whole = Preprocessing(resize=resize, crop=resize)
    squares = open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(examples), resize, resize, 3))

    def fill(row: int) -> None:
        example = examples[row]
        squares[row] = whole.apply(decode(example.path.read_bytes(), example.name, ImageLimits()))

    start = time.monotonic()
    with ThreadPoolExecutor(os.process_cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(fill, range(len(examples))), 1):
            left = (time.monotonic() - start) / done * (len(examples) - done)
            on_progress(Progress(_STEP, done, len(examples), left))
    squares.flush()
