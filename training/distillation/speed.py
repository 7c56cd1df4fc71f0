"""The time for one image, student and teacher in turns, so that what else the machine does meets both alike."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.golden import golden_image
from model_store.models.checkpoints import unflatten
from model_store.models.registry import build
from model_store.runtime.loading import LoadedModel, load_model
from model_store.runtime.transforms import TransformedNetwork, named
from model_store.store import Manifest, ModelStore
from training.distillation.network import compiled
from training.distillation.students import ARCHITECTURE, Student
from training.runs import Speed

ROUNDS = 15
_Clock = Callable[[], float]


def measure_speed(
    store: ModelStore, teacher: Manifest, student: Student, parameters: Mapping[str, np.ndarray], size: int
) -> Speed:
    """Times the programs that serve a teacher beside those that will serve its student.

    Args:
        store: that holds the teacher.
        teacher: as it is published.
        student: its shape.
        parameters: of the student, by path.
        size: side of what the student sees, in pixels.
    """
    model = load_model(store.path(teacher.ref), teacher)
    cut = model.trunks[0].manifest.preprocessing if model.trunks else teacher.preprocessing
    return time_in_turns(_scorer(student, parameters, size), _teacher_scorer(model, cut.crop))


def time_in_turns(student: Callable[[], object], teacher: Callable[[], object], rounds: int = ROUNDS) -> Speed:
    """Times two functions in turns, each once beforehand."""
    wall: list[list[float]] = [[], []]
    processor: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        for number, score in enumerate((student, teacher)):
            began, processor_began = time.perf_counter(), time.process_time()
            score()
            wall[number].append(time.perf_counter() - began)
            processor[number].append(time.process_time() - processor_began)
    (seconds, teacher_seconds), (own, teachers) = ([min(taken[1:]) for taken in clock] for clock in (wall, processor))
    return Speed(
        seconds=seconds, teacher_seconds=teacher_seconds, processor_seconds=own, teacher_processor_seconds=teachers
    )


def _scorer(student: Student, parameters: Mapping[str, np.ndarray], size: int) -> Callable[[], object]:
    import jax

    network = TransformedNetwork(build(ARCHITECTURE, student.settings), named())
    params: Any = jax.device_put({"params": unflatten(parameters)})
    score, image = compiled(network.apply), golden_image(0, size)[None]
    return lambda: np.asarray(score(params, image))


def _teacher_scorer(model: LoadedModel, size: int) -> Callable[[], object]:
    image = golden_image(0, size)[None]
    return lambda: model(image)
