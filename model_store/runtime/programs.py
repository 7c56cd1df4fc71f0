"""The programs of one model: executables where some fit this process, else what JAX compiles at their first use."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from model_store.models.taps import feature_count
from model_store.runtime.executables import (
    BATCH_SIZES,
    COMPILER_OPTIONS,
    GRADIENT_COMPILER_OPTIONS,
    PARAMETERS,
    PREPARE,
    ExecutableError,
    ParameterPlan,
    features_name,
    gradcam_name,
    load_executable,
    read_executables,
    read_gradcam_executables,
    score_name,
)
from model_store.runtime.xla import ArrayType, DeviceArray, Program, to_device, to_host
from model_store.store import Manifest
from model_store.store.tensors import MappedTensors

FLOAT32 = np.dtype(np.float32)

logger = logging.getLogger(__name__)

type Stored = Mapping[str, Shaped[np.ndarray, "..."]]
type Params = Mapping[str, Any]
type Images = UInt8[np.ndarray, "batch height width 3"]
type Features = Float[np.ndarray, "batch features"]
type Score = Callable[..., Float[np.ndarray, "batch *heads"]]
type ScoreAndFeatures = Callable[[Params, Images], tuple[Float[np.ndarray, " batch"], Features]]
type Maps = Float[np.ndarray, "batch size size"]
type ScoreAndMaps = Callable[[Params, Images], tuple[Float[np.ndarray, " batch"], Maps]]


@dataclass(frozen=True)
class Programs:
    """A model's callables, and whether they were compiled ahead of time.

    Attributes:
        score: by batch size, (parameters, images) → scores; of heads (parameters, features of each trunk) → scores of
            each head.
        ahead_of_time: False if they are compiled at their first use.
        features: by batch size, (parameters, images) → scores and features; empty unless they were asked for.
        gradcam: (parameters, as many images as one of `GRADCAM_BATCH_SIZES`) → scores and maps; raises
            `ExecutableError` where it was not compiled together with the others. None for heads.
    """

    score: Mapping[int, Score]
    ahead_of_time: bool
    features: Mapping[int, ScoreAndFeatures] = field(default_factory=dict)
    gradcam: ScoreAndMaps | None = None


def load_programs(
    folder: Path, manifest: Manifest, stored: MappedTensors, *, with_features: bool = False
) -> tuple[Programs, Params]:
    """The programs of a version, and its parameters on the device.

    A warning says why, where the programs have to be compiled at their first use. Parameters that are stored as float32
    are not copied.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        stored: its tensors.
        with_features: whether heads are going to read the model's features.
    """
    try:
        payloads = read_executables(folder, with_features=with_features)
        return _ahead_of_time(folder, payloads, manifest, stored)
    except ExecutableError as error:
        logger.warning("%s is compiled at its first use, which takes seconds: %s", manifest.ref, error)
        return _just_in_time(manifest, stored, with_features=with_features)


def _ahead_of_time(
    folder: Path, payloads: Mapping[str, bytes], manifest: Manifest, stored: MappedTensors
) -> tuple[Programs, Params]:
    scorers = {size: _Scorer(payloads[score_name(size)], _score_shape(manifest, size)) for size in BATCH_SIZES}
    width = feature_count(manifest.architecture, manifest.architecture_settings)
    seers = {
        size: _Seer(payloads[features_name(size)], size, width)
        for size in BATCH_SIZES
        if features_name(size) in payloads
    }
    with ThreadPoolExecutor(1) as pool:
        # The largest piece of work here: parameters are widened meanwhile.
        first = pool.submit((seers or scorers)[1].program)
        params = prepared_parameters(payloads, stored)
        first.result()
    prepare = [payloads[name] for name in PREPARE]
    explainer = None if manifest.trunks else _Explainer(folder, prepare, manifest.preprocessing.crop)
    return Programs(scorers, ahead_of_time=True, features=seers, gradcam=explainer), params


def prepared_parameters(payloads: Mapping[str, bytes], stored: MappedTensors) -> Params:
    """What the programs take as parameters, computed; of the stored tensors' map nothing is left in memory.

    Args:
        payloads: executables by name.
        stored: every stored tensor.
    """
    plan = ParameterPlan.model_validate_json(payloads[PARAMETERS])
    tensors = {path: to_device(stored[path]) for path in sorted(stored)}
    params = {path: tensors[path] for path in plan.stored}
    for name, shapes in zip(PREPARE, plan.prepared, strict=True):
        if shapes:
            paths = sorted(shapes)
            prepare = load_executable(payloads[name], [ArrayType(shapes[path], FLOAT32) for path in paths])
            params |= zip(paths, prepare(list(tensors.values())), strict=True)
            for path in paths:
                params[path].block_until_ready()
            stored.release()
    return params


def _score_shape(manifest: Manifest, size: int) -> tuple[int, ...]:
    return (size, int(manifest.architecture_settings["heads"] or 0)) if manifest.trunks else (size,)


@final
class _Scorer:
    """The program of one batch size, linked at its first use: most containers only ever see one photo at a time."""

    def __init__(self, payload: bytes, shape: tuple[int, ...]) -> None:
        self.program = cache(lambda: load_executable(payload, [ArrayType(shape, FLOAT32)]))

    def __call__(self, params: Params, *inputs: Images | Features) -> Float[np.ndarray, "batch *heads"]:
        (scores,) = self.program()(_arguments(params, *inputs))
        return to_host(scores)


@final
class _Seer:
    """The same for the program that gives features too."""

    def __init__(self, payload: bytes, size: int, width: int) -> None:
        results = [ArrayType((size,), FLOAT32), ArrayType((size, width), FLOAT32)]
        self.program = cache(lambda: load_executable(payload, results))

    def __call__(self, params: Params, images: Images) -> tuple[Float[np.ndarray, " batch"], Features]:
        scores, features = self.program()(_arguments(params, images))
        return to_host(scores), to_host(features)


@final
class _Explainer:
    """The programs of Grad-CAM, which are not even read before their first use: most containers never see it."""

    def __init__(self, folder: Path, prepare: Sequence[bytes], size: int) -> None:
        self._size = size
        self._payloads = cache(lambda: read_gradcam_executables(folder, prepare))
        self._program = cache(self._link)

    def __call__(self, params: Params, images: Images) -> tuple[Float[np.ndarray, " batch"], Maps]:
        scores, maps = self._program(len(images))(_arguments(params, images))
        return to_host(scores), to_host(maps)

    def _link(self, batch: int) -> Program:
        results = [ArrayType((batch,), FLOAT32), ArrayType((batch, self._size, self._size), FLOAT32)]
        return load_executable(self._payloads()[gradcam_name(batch)], results)


def _arguments(params: Params, *inputs: Images | Features) -> list[DeviceArray]:
    return [*(params[path] for path in sorted(params)), *map(to_device, inputs)]


def _just_in_time(manifest: Manifest, stored: Stored, *, with_features: bool) -> tuple[Programs, Params]:
    import jax

    from model_store.runtime.graph import serving_graph

    graph = serving_graph(manifest)
    score = jax.jit(graph.score, compiler_options=COMPILER_OPTIONS)
    params: Params = graph.parameters(stored)

    def scores(params: Params, *inputs: Images | Features) -> Float[np.ndarray, "batch *heads"]:
        return np.asarray(score(params, *inputs))

    features: Mapping[int, ScoreAndFeatures] = {}
    if with_features and graph.features:
        see = jax.jit(graph.features, compiler_options=COMPILER_OPTIONS)

        def scores_and_features(params: Params, images: Images) -> tuple[Float[np.ndarray, " batch"], Features]:
            scores, values = see(params, images)
            return np.asarray(scores), np.asarray(values)

        features = dict.fromkeys(BATCH_SIZES, scores_and_features)
    explain: ScoreAndMaps | None = None
    if graph.gradcam:
        explainer = graph.gradcam
        compute_maps = cache(lambda: jax.jit(explainer(params), compiler_options=GRADIENT_COMPILER_OPTIONS))

        def explain(params: Params, images: Images) -> tuple[Float[np.ndarray, " batch"], Maps]:
            scores, maps = compute_maps()(params, images)
            return np.asarray(scores), np.asarray(maps)

    programs = Programs(dict.fromkeys(BATCH_SIZES, scores), ahead_of_time=False, features=features, gradcam=explain)
    return programs, params
