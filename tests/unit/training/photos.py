"""Small data sets that tests make: photos whose score is how bright they are, under noise."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24


def brightness(index: int, count: int) -> float:
    return (index * 7 % count) / count


def write_photo(path: Path, index: int, count: int) -> None:
    """A photo of coloured blocks; no two of them look alike."""
    random = np.random.default_rng(index)
    blocks = random.integers(0, 90, (6, 6, 3)).repeat(SIDE // 6, axis=0).repeat(SIDE // 6, axis=1)
    pixels = np.clip(blocks + 160 * brightness(index, count), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def write_dataset(
    folder: Path,
    count: int,
    *,
    columns: Sequence[str] = ("file", "score"),
    extra: Mapping[str, Sequence[str]] | None = None,
    shuffled: bool = False,
) -> Path:
    """A folder with `count` photos and `scores.csv`; `extra` columns come with their values."""
    scores = [0.3 + 0.5 * brightness(index, count) for index in range(count)]
    if shuffled:
        np.random.default_rng(0).shuffle(scores)
    for index in range(count):
        write_photo(folder / "images" / f"{index:03}.png", index, count)
    with (folder / "scores.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*columns, *(extra or {})])
        for index in range(count):
            added = [values[index] for values in (extra or {}).values()]
            rows.writerow([f"{index:03}.png", f"{scores[index]:.6f}", *added])
    return folder
