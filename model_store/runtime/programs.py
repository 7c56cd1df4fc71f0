"""The programs of one model: executables where some fit this process, else what JAX compiles at their first use."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from model_store.models.precision import parameter_paths
from model_store.runtime.executables import (
    BATCH_SIZES,
    COMPILER_OPTIONS,
    PREPARE,
    ExecutableError,
    load_executable,
    read_executables,
    score_name,
)
from model_store.runtime.xla import ArrayType, to_device, to_host
from model_store.store import Manifest
from model_store.store.manifest import Precision

FLOAT32 = np.dtype(np.float32)

logger = logging.getLogger(__name__)

type Stored = Mapping[str, Shaped[np.ndarray, "..."]]
type Params = Mapping[str, Any]
type Score = Callable[[Params, UInt8[np.ndarray, "batch height width 3"]], Float[np.ndarray, " batch"]]


@dataclass(frozen=True)
class Programs:
    """A model's callables, and whether they were compiled ahead of time.

    Attributes:
        score: by batch size, (parameters, images) → scores.
        ahead_of_time: False if they are compiled at their first use.
    """

    score: Mapping[int, Score]
    ahead_of_time: bool


def load_programs(folder: Path, manifest: Manifest, stored: Stored) -> tuple[Programs, Params]:
    """The programs of a version, and its parameters on the device as float32.

    A warning says why, where the programs have to be compiled at their first use. Parameters that are stored as float32
    are not copied; others may still be being widened, and are waited for where they are used.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        stored: its tensors.
    """
    try:
        return _ahead_of_time(read_executables(folder), manifest, stored)
    except ExecutableError as error:
        logger.warning("%s is compiled at its first use, which takes seconds: %s", manifest.ref, error)
        return _just_in_time(manifest, stored)


def _ahead_of_time(payloads: Mapping[str, bytes], manifest: Manifest, stored: Stored) -> tuple[Programs, Params]:
    scorers = {size: _Scorer(payloads[score_name(size)], size) for size in BATCH_SIZES}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(scorers[1].program)  # the largest piece of work here: parameters are widened meanwhile
        params: Params = {path: to_device(stored[path]) for path in sorted(stored)}
        paths = sorted(parameter_paths(stored))
        widen = load_executable(payloads[PREPARE], [ArrayType(stored[path].shape, FLOAT32) for path in paths])
        if manifest.precision is not Precision.FLOAT32:
            params = dict(zip(paths, widen(list(params.values())), strict=True))
        first.result()
    return Programs(scorers, ahead_of_time=True), params


@final
class _Scorer:
    """The program of one batch size, linked at its first use: most containers only ever see one photo at a time."""

    def __init__(self, payload: bytes, size: int) -> None:
        self.program = cache(lambda: load_executable(payload, [ArrayType((size,), FLOAT32)]))

    def __call__(
        self, params: Params, images: UInt8[np.ndarray, "batch height width 3"]
    ) -> Float[np.ndarray, " batch"]:
        (scores,) = self.program()([*(params[path] for path in sorted(params)), to_device(images)])
        return to_host(scores)


def _just_in_time(manifest: Manifest, stored: Stored) -> tuple[Programs, Params]:
    import jax

    from model_store.runtime.graph import serving_graph

    graph = serving_graph(manifest)
    widen, score = (jax.jit(function, compiler_options=COMPILER_OPTIONS) for function in (graph.prepare, graph.score))
    params: Params = jax.device_put(stored)
    if manifest.precision is not Precision.FLOAT32:
        params = widen(params)

    def scores(params: Params, images: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, " batch"]:
        return np.asarray(score(params, images))

    return Programs(dict.fromkeys(BATCH_SIZES, scores), ahead_of_time=False), params
