"""One model in memory: verified, mapped, widened, compiled; ready to score arrays of pixels."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from model_store.models.precision import parameter_paths
from model_store.runtime.executables import (
    BATCH_SIZES,
    PREPARE,
    ExecutableError,
    load_executable,
    read_executables,
    score_name,
)
from model_store.store import CorruptModelError, Manifest
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.manifest import Precision
from model_store.store.tensors import map_tensors
from model_store.store.verification import find_problems

logger = logging.getLogger(__name__)

type Params = Mapping[str, Any]


@dataclass(frozen=True)
class Programs:
    """A model's callables, and whether they were compiled ahead of time.

    Attributes:
        prepare: stored tensors → parameters.
        score: by batch size, (parameters, images) → scores.
        ahead_of_time: False if they are compiled at their first use.
    """

    prepare: Callable[[Params], Params]
    score: Mapping[int, Callable[[Params, np.ndarray], Any]]
    ahead_of_time: bool


@dataclass(frozen=True)
class LoadedModel:
    """A model that can score; `params` are float32 values on JAX's device."""

    manifest: Manifest
    programs: Programs = field(repr=False)
    params: Params = field(repr=False)

    def __call__(self, images: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, " batch"]:
        """Scores preprocessed images, at least one, in compiled batch sizes."""
        scores, start = [], 0
        for size in split_into_batches(len(images)):
            scores.append(self.programs.score[size](self.params, images[start : start + size]))
            start += size
        return np.concatenate([np.asarray(score) for score in scores])


def split_into_batches(count: int) -> list[int]:
    """Splits `count` images into compiled batch sizes, largest first, so that no padding is computed."""
    sizes: list[int] = []
    for size in sorted(BATCH_SIZES, reverse=True):
        sizes += [size] * (count // size)
        count %= size
    return sizes


def load_model(folder: Path, manifest: Manifest) -> LoadedModel:
    """Loads a published version, or a draft of one.

    Every file is hashed before its values are used; the reading that this takes warms the page cache while JAX is
    imported. Float32 parameters reach JAX as they lie in the map, without a copy; compact ones are widened once.

    Raises:
        CorruptModelError: a file is not as published.
    """
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(find_problems, folder, manifest)
        import jax

        try:
            stored = map_tensors(folder / PARAMETERS_FILE)
        except (CorruptModelError, FileNotFoundError) as error:
            raise _refusal(manifest, hashing.result() or [str(error)]) from error
        programs = _load_programs(folder, manifest, stored)
        if problems := hashing.result():
            raise _refusal(manifest, problems)
    params = jax.device_put(stored)
    if manifest.precision is not Precision.FLOAT32:
        params = programs.prepare(params)
    return LoadedModel(manifest, programs, params)


def _refusal(manifest: Manifest, problems: list[str]) -> CorruptModelError:
    return CorruptModelError(
        f"{manifest.ref} is refused: {'; '.join(problems)}. Publish it again, e.g. with "
        f"`memorability models pull {manifest.name}`."
    )


def _load_programs(folder: Path, manifest: Manifest, stored: Mapping[str, np.ndarray]) -> Programs:
    try:
        return _ahead_of_time(read_executables(folder), stored)
    except ExecutableError as error:
        logger.warning("%s is compiled at its first use, which takes seconds: %s", manifest.ref, error)
        return _just_in_time(manifest)


def _ahead_of_time(payloads: Mapping[str, bytes], stored: Mapping[str, np.ndarray]) -> Programs:
    params = dict.fromkeys(parameter_paths(stored), 0)  # 0: any leaf
    return Programs(
        prepare=load_executable(payloads[PREPARE], (dict.fromkeys(stored, 0),), params),
        score={size: load_executable(payloads[score_name(size)], (params, 0), 0) for size in BATCH_SIZES},
        ahead_of_time=True,
    )


def _just_in_time(manifest: Manifest) -> Programs:
    import jax

    from model_store.runtime.graph import serving_graph

    graph = serving_graph(manifest)
    return Programs(jax.jit(graph.prepare), dict.fromkeys(BATCH_SIZES, jax.jit(graph.score)), ahead_of_time=False)
