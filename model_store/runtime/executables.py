"""Ahead-of-time executables beside the parameters: `compiled/{target}/` holds them and an index of their digests.

An executable is code. It is loaded only when its bytes have the digest that the index gives, and the index is only as
trustworthy as the folder: on the volume, the publisher alone can write there. A process that finds none that its CPU
and jaxlib can run compiles at run time instead.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from model_store.errors import MemorabilityError
from model_store.models.taps import feature_count
from model_store.runtime.target import compiling_target, host_flags, host_targets, required_flags
from model_store.runtime.xla import ArrayType, Program, serialize
from model_store.store import Manifest
from model_store.store.atomic import discard, make_folder, new_staging_path, rename, sync_tree
from model_store.store.compiled import INDEX_FILE, ExecutableIndex
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.tensors import map_tensors

if TYPE_CHECKING:
    import jax

BATCH_SIZES = (1, 4, 8)
GRADCAM_BATCH_SIZES = (1, 4)  # beyond four photos a CPU gains little, and compiling them takes its time
# Eigen's convolutions in place of YNNPACK's, which XLA plans anew in every process at their first run: 0.3 s of CPU for
# ResNet-152, whose later runs are no faster for it (jaxlib 0.12.0.1).
COMPILER_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""}
# Programs with gradients have YNNPACK's matrix products: those that run backwards through the head's large dense layers
# take XLA's own loops several times as long as the forward ones (jaxlib 0.12.0.1).
GRADIENT_COMPILER_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}
# One after the other: while one computes, the tensors that it reads and those that it makes are both in memory.
PREPARE = ("prepare-1", "prepare-2")
PARAMETERS = "parameters"


class ExecutableError(MemorabilityError):
    """Executables that are missing, altered, or made for another CPU or jaxlib."""


class ParameterPlan(BaseModel):
    """What the programs take as parameters; lies beside them under the name `PARAMETERS`.

    Attributes:
        prepared: for each program of `PREPARE`, shapes of what it makes of the stored tensors, float32 values, by path.
        stored: paths of the tensors that are taken as they lie in the file's map.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prepared: tuple[Mapping[str, tuple[int, ...]], ...]
    stored: tuple[str, ...]


def score_name(batch: int) -> str:
    """Name of the executable that scores a batch of that many images."""
    return f"score-{batch}"


def features_name(batch: int) -> str:
    """Name of the executable that scores that many images and gives their features too."""
    return f"features-{batch}"


def gradcam_name(batch: int) -> str:
    """Name of the executable that scores that many images and gives their Grad-CAM maps too.

    It tells what features are compared with: executables of other references, `gradcam-1`, are no substitute.
    """
    return f"gradcam-clouds-{batch}"


def compile_executables(folder: Path, manifest: Manifest) -> Path:
    """Compiles a version's graph for this process's target and puts the result beside the parameters, whole.

    Args:
        folder: the version's folder, or a draft of it.
        manifest: its manifest.

    Returns:
        The target's folder; what was there for this target is replaced.
    """
    serialized = _compile(folder, manifest)
    target = compiling_target()
    index = ExecutableIndex(
        requires=required_flags(target.isa),
        sha256={name: hashlib.sha256(payload).hexdigest() for name, payload in serialized.items()},
    )
    place = folder / COMPILED_FOLDER / target.name
    make_folder(place.parent)
    staging = new_staging_path(place.parent)
    staging.mkdir()
    for name, payload in serialized.items():
        (staging / name).write_bytes(payload)
    (staging / INDEX_FILE).write_text(index.model_dump_json(indent=1))
    sync_tree(staging)
    if place.exists():
        discard(place)
    rename(staging, place)
    return place


def _compile(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    import jax

    from model_store.runtime import graph as graphs

    graph = graphs.serving_graph(manifest)
    tensors = map_tensors(folder / PARAMETERS_FILE)
    stored = graphs.shapes_of(tensors)
    prepared, kept = jax.eval_shape(graph.prepare, stored), graph.used_as_stored(stored)
    parts = _equal_parts(prepared, len(PREPARE))
    plan = ParameterPlan(prepared=tuple({path: prepared[path].shape for path in part} for part in parts), stored=kept)
    params = {path: stored[path] for path in kept} | prepared
    lowered = {
        name: jax.jit(partial(_prepare_part, graph.prepare, part), keep_unused=True).lower(stored)
        for name, part in zip(PREPARE, parts, strict=True)
    }
    # Its references depend on the parameters' values, which the other programs need not know.
    explain = graph.gradcam(graph.parameters(tensors)) if graph.gradcam else None
    backwards = {}
    for batch in BATCH_SIZES:
        inputs = graphs.input_shapes(manifest, stored, batch)
        lowered[score_name(batch)] = jax.jit(graph.score, keep_unused=True).lower(params, *inputs)
        if graph.features:
            lowered[features_name(batch)] = jax.jit(graph.features, keep_unused=True).lower(params, *inputs)
        if explain and batch in GRADCAM_BATCH_SIZES:
            backwards[gradcam_name(batch)] = jax.jit(explain, keep_unused=True).lower(params, *inputs)
    with _no_compilation_cache(), ThreadPoolExecutor() as pool:
        started = {name: pool.submit(program.compile, COMPILER_OPTIONS) for name, program in lowered.items()} | {
            name: pool.submit(program.compile, GRADIENT_COMPILER_OPTIONS) for name, program in backwards.items()
        }
        compiled = {name: future.result() for name, future in started.items()}
    serialized = {name: serialize(program) for name, program in compiled.items()}
    return serialized | {PARAMETERS: plan.model_dump_json().encode()}


def _equal_parts(prepared: Mapping[str, "jax.ShapeDtypeStruct"], count: int) -> list[list[str]]:
    """Paths in their order, in parts that are about equally large."""
    parts: list[list[str]] = [[] for _ in range(count)]
    total, before = sum(shape.size for shape in prepared.values()), 0
    for path in sorted(prepared):
        parts[before * count // total].append(path)
        before += prepared[path].size
    return parts


def _prepare_part(
    prepare: Callable[[Mapping[str, Any]], Mapping[str, Any]], paths: Sequence[str], stored: Mapping[str, Any]
) -> dict[str, Any]:
    prepared = prepare(stored)
    return {path: prepared[path] for path in paths}


@contextmanager
def _no_compilation_cache() -> Iterator[None]:
    """Has JAX compile anew: programs of its persistent cache lose functions when serialised (jaxlib 0.12.0.1)."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    enabled = jax.config.jax_enable_compilation_cache
    try:
        jax.config.update("jax_enable_compilation_cache", False)
        compilation_cache.reset_cache()  # JAX looks at the setting once, when it first compiles
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", enabled)
        compilation_cache.reset_cache()


def read_executables(folder: Path, *, with_features: bool = False) -> dict[str, bytes]:
    """Serialised executables of the best target that this host can run, each with the digest that its index gives.

    Args:
        folder: the version's folder.
        with_features: whether to read those too that give features: bytes read are money.

    Raises:
        ExecutableError: there are none that fit; the message says what was found.
    """
    return _read_best_target(
        folder,
        {
            *PREPARE,
            PARAMETERS,
            *map(score_name, BATCH_SIZES),
            *(map(features_name, BATCH_SIZES) if with_features else ()),
        },
    )


def read_gradcam_executables(folder: Path, prepare: Sequence[bytes]) -> dict[str, bytes]:
    """Those of Grad-CAM, which take the parameters that the programs `PREPARE` of the same target give.

    Args:
        folder: the version's folder.
        prepare: those programs, as they were read.

    Raises:
        ExecutableError: there are none that fit, as in a version that was compiled before there were heatmaps.
    """
    return _read_best_target(folder, {*PREPARE, *map(gradcam_name, GRADCAM_BATCH_SIZES)}, prepare)


def can_serve(place: Path, manifest: Manifest) -> bool:
    """Whether a target's folder has every program that this software compiles of a version."""
    has_features = feature_count(manifest.architecture, manifest.architecture_settings)
    features = map(features_name, BATCH_SIZES) if has_features else ()
    gradcam = () if manifest.trunks else map(gradcam_name, GRADCAM_BATCH_SIZES)
    try:
        _read_target(place, {*PREPARE, PARAMETERS, *map(score_name, BATCH_SIZES), *features, *gradcam})
    except ExecutableError:
        return False
    return True


def _read_best_target(folder: Path, names: Set[str], prepare: Sequence[bytes] = ()) -> dict[str, bytes]:
    reasons = []
    for target in host_targets():
        place = folder / COMPILED_FOLDER / target.name
        if place.is_dir():
            try:
                payloads = _read_target(place, names)
                if prepare and list(prepare) != [payloads[name] for name in PREPARE]:
                    raise ExecutableError(f"{place} was compiled apart from the parameters in memory")
                return payloads
            except ExecutableError as error:
                reasons.append(str(error))
    raise ExecutableError(
        "; ".join(reasons) or f"{folder} holds no executables for {' or '.join(t.name for t in host_targets())}"
    )


def _read_target(place: Path, names: Set[str]) -> dict[str, bytes]:
    try:
        index = ExecutableIndex.model_validate_json((place / INDEX_FILE).read_bytes())
        if missing := index.requires - host_flags():
            raise ExecutableError(f"{place} needs CPU features that are missing here: {', '.join(sorted(missing))}")
        if lacking := names - index.sha256.keys():
            raise ExecutableError(f"{place} lacks {', '.join(sorted(lacking))}: other software compiled it")
        payloads = {name: (place / name).read_bytes() for name in sorted(names)}
    except (OSError, ValidationError) as error:
        raise ExecutableError(f"{place} cannot be read: {error}") from error
    for name, payload in payloads.items():
        if hashlib.sha256(payload).hexdigest() != index.sha256[name]:
            raise ExecutableError(f"{place / name} was altered: its SHA-256 is not the one in {INDEX_FILE}")
    return payloads


def load_executable(payload: bytes, results: Sequence[ArrayType]) -> Program:
    """Makes a serialised executable ready to run.

    Args:
        payload: bytes whose digest has been checked: they are code.
        results: shape and dtype of each result, in the order of `score_name` and `PREPARE`.

    Raises:
        ExecutableError: XLA cannot load it on this machine.
    """
    try:
        return Program(payload, results)
    except Exception as error:  # XLA, its bindings and the CPU have each their own way of refusing
        raise ExecutableError(f"an executable cannot be loaded: {error}") from error
