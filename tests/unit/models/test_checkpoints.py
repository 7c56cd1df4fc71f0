"""Reading PyTorch's files: every kind of tensor, and the refusal of everything that is none."""

import os
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_store.models.checkpoints import (
    CheckpointError,
    check_against_skeleton,
    flatten,
    read_checkpoint,
    unflatten,
)
from tests.unit.models import torch_archives
from tests.unit.models.torch_archives import called, named, ordered, storage, tensor, tuple_of, value, write_archive

SIX = np.arange(6, dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt"


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64, np.int32], ids=lambda t: t.__name__
)
def test_every_dtype_is_read_as_it_is_stored(path: Path, dtype: type) -> None:
    stored: np.ndarray = np.array([[-1.5, 0, 3], [100, -7, 2]]).astype(dtype)

    state = read_checkpoint(torch_archives.save_state(path, {"a.weight": stored}))

    assert state["a.weight"].dtype == dtype
    np.testing.assert_array_equal(state["a.weight"], stored)


def test_names_shapes_and_their_order_are_kept(path: Path) -> None:
    expected: dict[str, np.ndarray] = {
        "z": np.ones((2, 3, 4, 5), np.float32),
        "a": np.array(7, np.int64),
        "empty": np.zeros((0, 4), np.float32),
        "m": np.arange(3, dtype=np.float16),
    }

    state = read_checkpoint(torch_archives.save_state(path, expected))

    assert list(state) == list(expected)
    assert {name: array.shape for name, array in state.items()} == {
        name: array.shape for name, array in expected.items()
    }
    assert not any(array.flags.writeable for array in state.values())


def test_tensors_share_a_storage_at_offsets_and_strides(path: Path) -> None:
    shared = storage("0", "FloatStorage", 6)
    program = ordered(
        {
            "rows": tensor(shared, (2, 3)),
            "transposed": tensor(shared, (3, 2), stride=(1, 3)),
            "column": tensor(shared, (2,), stride=(3,), offset=2),
            "repeated": tensor(shared, (4, 2), stride=(0, 1), offset=4),
            "last": tensor(shared, (), offset=5),
        }
    )

    state = read_checkpoint(write_archive(path, program, {"0": SIX.tobytes()}))

    rows = SIX.reshape(2, 3)
    np.testing.assert_array_equal(state["rows"], rows)
    np.testing.assert_array_equal(state["transposed"], rows.T)
    np.testing.assert_array_equal(state["column"], [2, 5])
    np.testing.assert_array_equal(state["repeated"], [[4, 5]] * 4)
    assert state["last"] == 5


def test_parameters_count_as_their_tensors(path: Path) -> None:
    program = ordered({"weight": torch_archives.parameter(tensor(storage("0", "FloatStorage", 6), (6,)))})

    state = read_checkpoint(write_archive(path, program, {"0": SIX.tobytes()}))

    np.testing.assert_array_equal(state["weight"], SIX)


def test_the_metadata_that_modules_save_is_passed_over(path: Path) -> None:
    weights = ordered({"weight": tensor(storage("0", "FloatStorage", 6), (6,))})
    metadata = value({"_metadata": OrderedDict({"": {"version": 1}})})

    state = read_checkpoint(write_archive(path, weights + metadata + b"b", {"0": SIX.tobytes()}))

    assert list(state) == ["weight"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("__builtin__", "exec"),
        ("numpy", "fromfile"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("torch", "load"),
        ("torch", "Tensor"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch.nn.modules.linear", "Linear"),
        ("collections", "defaultdict"),
        ("collections", "OrderedDict.fromkeys"),
        ("model_store.models.checkpoints", "read_checkpoint"),
    ],
)
def test_every_other_name_is_refused(path: Path, module: str, name: str) -> None:
    write_archive(path, ordered({"weight": called(named(module, name), value("touch pwned"))}))

    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)

    assert f"model.pt is refused: its pickle asks for {module}.{name}, " in str(caught.value)
    assert "torch.save(model.state_dict(), …)" in str(caught.value)


class Attack:
    """Runs a shell command where it is unpickled by an ordinary unpickler."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nothing_runs_before_the_refusal(path: Path, tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "pwned"
    program = pickle.dumps({"weight": Attack(f"touch {trace}")}, protocol=protocol)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)

    with pytest.raises(CheckpointError, match=r"asks for (posix|os)\.system"):
        read_checkpoint(path)

    assert not trace.exists()
    pickle.loads(program)
    assert trace.exists(), "the attack is none: this test could not fail"


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (7,))}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (2, 3), stride=(4, 1))}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (2,), offset=5)}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (2,), offset=-1)}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (2, 2), stride=(-4, 4))}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (3,), stride=(-1,), offset=2)}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (-1,), stride=(1,))}), "reaches outside"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (1 << 62, 4), stride=(0, 1))}), "readable"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 6), (2, 3), stride=(1,))}), "readable"),
        (ordered({"w": tensor(storage("0", "FloatStorage", 7), (6,))}), "truncated: storage 0 holds 6 of 7 values"),
        (ordered({"w": tensor(storage("1", "FloatStorage", 6), (6,))}), "readable"),
        (ordered({"w": tensor(ordered({}), (6,))}), "readable"),
        (ordered({"w": tensor(value("a storage"), (6,))}), "readable"),
        (ordered({"w": torch_archives.parameter(value(1))}), "not a state dict"),
        (ordered({"w": value("text")}), "not a state dict"),
        (ordered({"model": ordered({"w": tensor(storage("0", "FloatStorage", 6), (6,))})}), "not a state dict"),
        (tensor(storage("0", "FloatStorage", 6), (6,)), "not a state dict"),
        (tuple_of(value("module"), value("x"), value("0"), value("cpu"), value(6)) + b"Q", "'module'"),
        (tuple_of(value("storage"), value("x"), value("0"), value("cpu"), value(6)) + b"Q", "not a tensor storage"),
        (value(7) + b"Q", "readable"),
        (b"R", "readable"),
        (b"Y", "readable"),
        (b"", "readable"),
    ],
)
def test_a_pickle_that_makes_no_sense_is_refused(path: Path, program: bytes, complaint: str) -> None:
    write_archive(path, program, {"0": SIX.tobytes()})

    with pytest.raises(CheckpointError, match=re.escape(complaint)) as caught:
        read_checkpoint(path)

    assert "model.pt" in str(caught.value)


def test_a_storage_of_another_byte_order_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + ordered({}) + b".")
        archive.writestr("archive/byteorder", "big")

    with pytest.raises(CheckpointError, match=r"model\.pt was written on a big-endian machine"):
        read_checkpoint(path)


def test_files_that_are_no_archives_are_refused(path: Path) -> None:
    legacy = pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001)  # how torch.save began before 1.6
    for content in (b"", b"PK", b"not a zip at all", legacy):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"model\.pt is not a readable PyTorch checkpoint"):
            read_checkpoint(path)


def test_a_zip_of_something_else_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photos/beach.jpg", b"")

    with pytest.raises(CheckpointError, match=r"holds no data\.pkl: it was not written by torch\.save"):
        read_checkpoint(path)


def test_a_file_cut_off_anywhere_is_refused(path: Path) -> None:
    whole = torch_archives.save_state(path, {"a": SIX, "b": SIX.astype(np.float16)}).read_bytes()

    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pt"
    content = bytearray(torch_archives.save_state(path, {"a": SIX, "b": SIX.reshape(2, 3)}).read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content)

    try:
        state = read_checkpoint(path)
    except CheckpointError:
        return
    for array in state.values():
        array.tobytes()  # touches every byte that it claims to have


leaves = st.integers(0, 9)
keys = st.text("abc_0", min_size=1, max_size=3)
trees = st.dictionaries(keys, st.recursive(leaves, lambda below: st.dictionaries(keys, below, min_size=1, max_size=3)))


@given(tree=trees)
def test_flatten_and_unflatten_are_inverse(tree: dict[str, Any]) -> None:
    paths = dict(flatten(tree))

    assert unflatten(paths) == tree
    assert list(flatten(unflatten(paths))) == list(paths.items()), "the order of leaves is kept"


def test_paths_name_the_way_to_a_leaf() -> None:
    assert list(flatten({"a": {"b": 1, "c": {"d": 2}}, "e": 3})) == [("a/b", 1), ("a/c/d", 2), ("e", 3)]


def test_fitting_parameters_are_accepted() -> None:
    check_against_skeleton({"a": {"b": SIX}}, {"a": {"b": SIX}}, "it")


def test_one_error_lists_every_leaf_that_does_not_fit() -> None:
    params: Mapping[str, Any] = {"a": {"kernel": np.ones((2, 3)), "extra": SIX}, "only": np.ones(()), "fits": SIX}
    skeleton: Mapping[str, Any] = {"a": {"kernel": np.ones((3, 2)), "bias": np.ones(3)}, "fits": SIX}

    with pytest.raises(CheckpointError) as caught:
        check_against_skeleton(params, skeleton, "weights.pt")

    assert str(caught.value).splitlines() == [
        "weights.pt does not fit the architecture:",
        "  missing: a/bias (3,)",
        "  unexpected: a/extra (6,)",
        "  unexpected: only ()",
        "  wrong shape: a/kernel is (2, 3), expected (3, 2)",
    ]
