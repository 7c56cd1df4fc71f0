"""A loaded model: the scores of the plain network, by executables that are used only where they can be trusted."""

import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.experimental.compilation_cache.compilation_cache import reset_cache

from model_store.runtime.executables import (
    BATCH_SIZES,
    PARAMETERS,
    PREPARE,
    ExecutableError,
    compile_executables,
    read_executables,
    score_name,
)
from model_store.runtime.graph import image_shape, serving_graph, shapes_of
from model_store.runtime.loading import LoadedModel, load_model, split_into_batches
from model_store.runtime.target import compiling_target, host_targets
from model_store.store import CorruptModelError, ModelStore
from model_store.store.compiled import INDEX_FILE
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.tensors import map_tensors
from tests.unit.tiny_models import FIRST, SCORE_TOLERANCE, images, plain_scores

# 8 and 16 bits in the kernels of a network this small and this steep. Measured: 2.2e-3.
COMPACT_TOLERANCE = 5e-3


def load(store: ModelStore, name: str = "first") -> LoadedModel:
    return load_model(store.path(name), store.manifest(name))


@pytest.fixture(scope="module")
def first(published: Path) -> LoadedModel:
    return load(ModelStore(published))


@pytest.fixture(scope="module")
def expected() -> np.ndarray:
    return plain_scores(FIRST, images(20))


@pytest.mark.parametrize("count", range(1, 21))
def test_any_number_of_images_scores_as_the_plain_network(first: LoadedModel, expected: np.ndarray, count: int) -> None:
    assert first.programs.ahead_of_time

    scores = first(images(20)[:count])

    assert scores.shape == (count,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected[:count], rtol=0, atol=SCORE_TOLERANCE)


def test_the_images_that_the_scores_are_compared_on_differ(expected: np.ndarray) -> None:
    assert np.abs(np.diff(np.sort(expected))).min() > 2 * SCORE_TOLERANCE


def test_compact_parameters_are_widened_and_score_alike(store: ModelStore, expected: np.ndarray) -> None:
    small = load(store, "small")

    assert small.programs.ahead_of_time
    # Dense layers widen their integers themselves, piece by piece.
    assert {str(value.dtype) for value in small.params.values()} == {"float32", "int8"}
    scores = small(images(20))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=COMPACT_TOLERANCE)
    assert np.abs(scores - expected).max() > 100 * SCORE_TOLERANCE, "the parameters were not stored compactly"


@given(count=st.integers(1, 500))
def test_batches_add_up_and_the_largest_come_first(count: int) -> None:
    sizes = split_into_batches(count)

    assert sum(sizes) == count
    assert set(sizes) <= set(BATCH_SIZES)
    assert sizes == sorted(sizes, reverse=True)


def test_batches_are_as_few_as_they_can_be() -> None:
    assert [split_into_batches(count) for count in (1, 3, 4, 7, 8, 21)] == [
        [1],
        [1, 1, 1],
        [4],
        [4, 1, 1, 1],
        [8],
        [8, 8, 4, 1],
    ]


def test_float32_parameters_reach_jax_without_a_copy(store: ModelStore) -> None:
    first, small = load(store), load(store, "small")

    assert all(lies_in_a_map_of(store.path("first") / PARAMETERS_FILE, value) for value in first.params.values())
    compact = store.path("small") / PARAMETERS_FILE
    assert any(lies_in_a_map_of(compact, value) for value in small.params.values() if value.dtype == "int8")
    assert not all(lies_in_a_map_of(compact, value) for value in small.params.values())


def lies_in_a_map_of(file: Path, value: jax.Array) -> bool:
    """Asks the kernel, so that nothing but a mapping of this very file will do."""
    address = value.unsafe_buffer_pointer()
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(f" {file}"):
            start, end = (int(edge, 16) for edge in line.split()[0].split("-"))
            if start <= address and address + value.nbytes <= end:
                return True
    return False


@pytest.mark.parametrize("position", [-1, -2000, 200, 9])
def test_one_altered_byte_of_the_parameters_is_refused(store: ModelStore, position: int) -> None:
    alter(store.path("first") / PARAMETERS_FILE, position)

    with pytest.raises(CorruptModelError) as caught:
        load(store)

    assert "first@1" in str(caught.value)
    assert PARAMETERS_FILE in str(caught.value)
    assert "memorability models pull first" in str(caught.value)


def test_missing_parameters_are_refused(store: ModelStore) -> None:
    (store.path("first") / PARAMETERS_FILE).unlink()

    with pytest.raises(CorruptModelError, match=r"first@1 is refused: params\.safetensors is missing"):
        load(store)


def test_a_file_too_many_is_refused(store: ModelStore) -> None:
    (store.path("first") / "payload.py").write_text("")

    with pytest.raises(CorruptModelError, match=r"first@1 is refused: payload\.py is unexpected"):
        load(store)


def executables(store: ModelStore) -> Path:
    (place,) = (store.path("first") / COMPILED_FOLDER).iterdir()
    return place


def alter(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)


def alter_executable(place: Path) -> None:
    alter(place / score_name(1), 1000)


def alter_index(place: Path) -> None:
    alter(place / INDEX_FILE, 3)


def ask_for_an_unknown_instruction(place: Path) -> None:
    index = json.loads((place / INDEX_FILE).read_text())
    index["requires"].append("avx9000")
    (place / INDEX_FILE).write_text(json.dumps(index))


def forget_a_batch_size(place: Path) -> None:
    index = json.loads((place / INDEX_FILE).read_text())
    del index["sha256"][score_name(max(BATCH_SIZES))]
    (place / INDEX_FILE).write_text(json.dumps(index))


def vouch_for_no_executable(place: Path) -> None:
    """Leaves what only JAX can refuse: bytes that are as the index says, and no executable."""
    garbage = b"not an executable"
    (place / score_name(1)).write_bytes(garbage)
    index = json.loads((place / INDEX_FILE).read_text())
    index["sha256"][score_name(1)] = hashlib.sha256(garbage).hexdigest()
    (place / INDEX_FILE).write_text(json.dumps(index))


def lose_the_index(place: Path) -> None:
    (place / INDEX_FILE).unlink()


def lose_an_executable(place: Path) -> None:
    (place / score_name(4)).unlink()


def made_by_another_jaxlib(place: Path) -> None:
    place.rename(place.with_name(re.sub(r"jaxlib-[0-9.]+", "jaxlib-0.0.1", place.name)))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (alter_executable, r"score-1 was altered"),
        (alter_index, r"cannot be read"),
        (lose_the_index, r"cannot be read"),
        (lose_an_executable, r"cannot be read"),
        (ask_for_an_unknown_instruction, r"needs CPU features that are missing here: avx9000"),
        (forget_a_batch_size, r"lacks score-8"),
        (vouch_for_no_executable, r"cannot be loaded"),
        (made_by_another_jaxlib, r"holds no executables for jaxlib-"),
        (shutil.rmtree, r"holds no executables for jaxlib-"),
    ],
)
def test_executables_that_do_not_fit_are_passed_over_with_a_warning(
    store: ModelStore,
    expected: np.ndarray,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], object],
    reason: str,
) -> None:
    damage(executables(store))

    with caplog.at_level(logging.WARNING):
        model = load(store)

    assert not model.programs.ahead_of_time
    assert re.search(rf"first@1 is compiled at its first use, .*{reason}", caplog.text)
    np.testing.assert_allclose(model(images(1)), expected[:1], rtol=0, atol=SCORE_TOLERANCE)


def test_a_second_best_target_stands_in_for_a_broken_best_one(store: ModelStore) -> None:
    *better, last = (target.name for target in host_targets())
    place = executables(store)
    good = place.rename(place.with_name(last))
    for name in better:
        alter_executable(shutil.copytree(good, good.with_name(name)))

    assert read_executables(store.path("first")).keys() == {*PREPARE, PARAMETERS, *map(score_name, BATCH_SIZES)}


def test_compiling_again_replaces_what_was_broken(store: ModelStore) -> None:
    folder, manifest = store.path("second"), store.manifest("second")
    (place,) = (folder / COMPILED_FOLDER).iterdir()
    alter_executable(place)
    with pytest.raises(ExecutableError):
        read_executables(folder)

    assert compile_executables(folder, manifest) == folder / COMPILED_FOLDER / compiling_target().name

    assert load(store, "second").programs.ahead_of_time
    assert [path.name for path in (folder / COMPILED_FOLDER).iterdir()] == [compiling_target().name]


@pytest.fixture
def compilation_cache(tmp_path: Path) -> Iterator[Path]:
    """JAX's persistent cache, as a user may have switched it on by an environment variable, holding all it is given."""
    settings = {
        "jax_compilation_cache_dir": str(tmp_path / "jax"),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    for name, value in settings.items():
        jax.config.update(name, value)
    reset_cache()
    yield tmp_path / "jax"
    for name, value in before.items():
        jax.config.update(name, value)
    reset_cache()


def test_the_compilation_cache_that_a_user_may_have_does_no_harm(
    store: ModelStore, compilation_cache: Path, expected: np.ndarray
) -> None:
    folder, manifest = store.path("first"), store.manifest("first")
    jax.jit(serving_graph(manifest).score).lower(
        shapes_of(map_tensors(folder / PARAMETERS_FILE)), image_shape(manifest, 1)
    ).compile()
    assert list(compilation_cache.iterdir()), "the cache is not in use: this test could not fail"

    for _ in range(2):
        compile_executables(folder, manifest)
        scores = load(store)(images(13))
        np.testing.assert_allclose(scores, expected[:13], rtol=0, atol=SCORE_TOLERANCE)


SCORE_IN_A_FRESH_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from model_store.runtime.loading import load_model
from model_store.store import ModelStore

store = ModelStore(Path(sys.argv[1]))
model = load_model(store.path("first"), store.manifest("first"))
print(model(np.zeros((3, 16, 16, 3), np.uint8)).tolist())
print(model.programs.ahead_of_time, [name for name in ("jax", "flax", "PIL", "boto3") if name in sys.modules])
"""


def test_a_cold_process_scores_without_importing_jax(published: Path, first: LoadedModel) -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCORE_IN_A_FRESH_PROCESS, published], capture_output=True, text=True, check=True
    )

    scores, modules = process.stdout.splitlines()
    assert modules == "True []"
    np.testing.assert_allclose(
        json.loads(scores), first(np.zeros((3, 16, 16, 3), np.uint8)), rtol=0, atol=SCORE_TOLERANCE
    )
