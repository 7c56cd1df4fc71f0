"""Parts of photos as photos of their own: a teacher scores as many as one likes, and each is another lesson.

A teacher's score of a part is as true as that of the whole, unlike a person's (Beyer et al. 2022, "Knowledge
Distillation: A Good Teacher Is Patient and Consistent", arXiv 2106.05237). About half of them are mirrored before the
teacher sees them: what it says of a mirrored picture is another lesson, not the same one. Parts are written down as
files, so that everything that reads photos reads them too, and drawn from the photo's digest, so that a later run finds
in the cache what the teacher said of them.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from model_store.images import ImageLimits, decode
from model_store.store.atomic import make_folder, new_staging_path
from training.data import Dataset, Example
from training.data.photos import DECODERS
from training.distillation.photos import Parts
from training.features.extraction import OnProgress, Progress

SIDE = 320  # pixels: a little more than networks resize photos to
_SMALLEST, _LARGEST = 0.45, 0.95  # of a part's width and height, as a share of the photo's
_QUALITY = 95  # of JPEG, in percent
_STEP = "cutting parts of photos"


def add_crops(
    dataset: Dataset, parts: Parts, count: int, folder: Path, on_progress: OnProgress
) -> tuple[Dataset, Parts]:
    """The data set with parts of the photos that are trained on behind it, which are trained on too.

    Args:
        dataset: the photos.
        parts: rows of the data set.
        count: of each photo's parts.
        folder: for their files; those that are there are not cut again.
        on_progress: told of photos that were cut.
    """
    if not count:
        return dataset, parts
    make_folder(folder)
    photos = [dataset.examples[row] for row in parts.train]
    crops: list[Example] = []
    start = time.monotonic()
    with ThreadPoolExecutor(DECODERS) as pool:
        for done, cut in enumerate(pool.map(lambda photo: _cut(photo, count, folder), photos), 1):
            crops += cut
            left = (time.monotonic() - start) / done * (len(photos) - done)
            on_progress(Progress(_STEP, done, len(photos), left))
    rows = np.arange(len(dataset.examples), len(dataset.examples) + len(crops))
    extended = replace(dataset, examples=(*dataset.examples, *crops))
    return extended, replace(parts, train=np.concatenate([parts.train, rows]))


def _cut(photo: Example, count: int, folder: Path) -> list[Example]:
    places = [folder / f"{photo.sha256}-{number}.jpg" for number in range(count)]
    if not all(place.exists() for place in places):
        _write(photo, places)
    return [
        replace(photo, name=f"{photo.name} (part {number})", path=place, sha256=sha256(place.read_bytes()).hexdigest())
        for number, place in enumerate(places, 1)
    ]


def _write(photo: Example, places: Sequence[Path]) -> None:
    image = decode(photo.path.read_bytes(), photo.name, ImageLimits())
    random = np.random.default_rng(int(photo.sha256[:16], 16))
    for place in places:
        sides = random.uniform(_SMALLEST, _LARGEST, 2)
        corner = random.uniform(0, 1 - sides)
        left, top, right, bottom = (np.concatenate([corner, corner + sides]) * (image.size * 2)).tolist()
        content = BytesIO()
        part = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, right, bottom), reducing_gap=3.0)
        if random.integers(2):
            part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        part.save(content, "JPEG", quality=_QUALITY, subsampling=0)
        staging = new_staging_path(place.parent)  # a kill leaves it, until the run is written
        staging.write_bytes(content.getvalue())
        staging.rename(place)
