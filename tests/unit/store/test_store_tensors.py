"""Parameter files: readable by any reader of the format, mapped without a copy, refused when not right."""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from model_store.store.errors import CorruptModelError, StoreError
from model_store.store.tensors import ALIGNMENT_BYTES, MAX_HEADER_BYTES, map_tensors, write_tensors

DTYPES = [np.float32, np.float16, ml_dtypes.bfloat16, np.int8, np.uint8, np.int32]

type Tensors = Mapping[str, np.ndarray]


def address(tensor: np.ndarray) -> int:
    return int(tensor.__array_interface__["data"][0])


def assert_equal(one: Tensors, other: Tensors) -> None:
    assert list(one) == list(other)
    for name, tensor in one.items():
        assert other[name].dtype == tensor.dtype
        assert other[name].shape == tensor.shape
        assert other[name].tobytes() == tensor.tobytes()


@st.composite
def some_tensors(draw: st.DrawFn) -> Tensors:
    names = draw(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=6, unique=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shapes = st.lists(st.integers(0, 9), max_size=4)
    return {
        f"layer.{name}": random.integers(0, 100, size=draw(shapes)).astype(draw(st.sampled_from(DTYPES)))
        for name in names
    }


@settings(deadline=None)
@given(some_tensors())
def test_tensors_come_back_aligned_and_any_reader_of_the_format_reads_them(tensors: Tensors) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.safetensors"
        write_tensors(path, tensors)
        mapped = map_tensors(path)
        assert_equal(tensors, mapped)
        assert all(address(tensor) % ALIGNMENT_BYTES == 0 for tensor in mapped.values() if tensor.size)
        read = load_file(path)
        assert_equal(tensors, {name: read[name] for name in tensors})
        assert all(name.startswith("__pad_") for name in read.keys() - tensors.keys())


def test_a_map_is_a_view_of_the_file_and_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    write_tensors(path, {"a": np.zeros(3, np.float32), "b": np.zeros((2, 2), np.int8)})
    mapped = map_tensors(path)
    data_start = path.stat().st_size - (ALIGNMENT_BYTES + 4)
    assert address(mapped["b"]) - address(mapped["a"]) == ALIGNMENT_BYTES
    with path.open("r+b") as file:
        file.seek(data_start)
        file.write(np.float32(7).tobytes())
    assert mapped["a"][0] == 7
    with pytest.raises(ValueError, match=r"read-only"):
        mapped["a"][0] = 1


def test_released_pages_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    values = np.arange(2_000_000, dtype=np.int32)  # 8 MB, far more than other threads take meanwhile
    write_tensors(path, {"a": values})
    mapped = map_tensors(path)
    assert mapped["a"].sum(dtype=np.int64) == values.sum(dtype=np.int64)
    before = mapped_bytes(path)

    mapped.release()

    assert before is None or before >= values.nbytes
    assert mapped_bytes(path) in {None, 0}
    np.testing.assert_array_equal(mapped["a"], values)


def mapped_bytes(path: Path) -> int | None:
    """How much of a mapped file is in this process's memory; None where that is not told, which Linux alone does."""
    if sys.platform != "linux":
        return None
    _, _, after = Path("/proc/self/smaps").read_text().partition(str(path))
    return int(after.partition("Rss:")[2].split()[0]) * 1024


def test_strided_and_big_endian_arrays_are_written_in_the_files_order(tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    transposed = np.arange(6, dtype=np.float32).reshape(2, 3).T
    write_tensors(path, {"transposed": transposed, "foreign": np.arange(3, dtype=">f4")})
    mapped = map_tensors(path)
    np.testing.assert_array_equal(mapped["transposed"], transposed)
    np.testing.assert_array_equal(mapped["foreign"], [0, 1, 2])
    assert mapped["transposed"].flags.c_contiguous


@pytest.mark.parametrize(
    ("tensors", "fault"),
    [
        ({"a": np.zeros(1, np.float64)}, "'a' has the dtype float64"),
        ({"a": np.zeros(1, np.int64)}, "'a' has the dtype int64"),
        ({"a": np.zeros(1, object)}, "'a' has the dtype object"),
        ({"__pad_0": np.zeros(1, np.int8)}, "__pad_0"),
        ({"__metadata__": np.zeros(1, np.int8)}, "__metadata__"),
    ],
)
def test_what_the_file_cannot_hold_is_refused_before_it_is_made(tensors: Tensors, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    with pytest.raises(StoreError, match=fault):
        write_tensors(path, tensors)
    assert not path.exists()


def entry(dtype: object = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


HOSTILE_HEADERS = {
    "not an object": [],
    "entry is no object": {"a": 1},
    "no shape": {"a": {"dtype": "F32", "data_offsets": [0, 4]}},
    "more fields": {"a": entry() | {"more": 1}},
    "unknown dtype": {"a": entry("F64", (1,), (0, 8))},
    "dtype is no text": {"a": entry(32)},
    "shape is no list": {"a": entry(shape=1)},
    "size is no number": {"a": entry(shape=["1"])},
    "size is a truth": {"a": entry(shape=[True])},
    "size is broken": {"a": entry(shape=[1.0])},
    "negative size": {"a": entry(shape=[-1, -1])},
    "three offsets": {"a": entry(offsets=(0, 4, 8))},
    "offsets backwards": {"a": entry(offsets=(4, 0))},
    "negative offset": {"a": entry(offsets=(-4, 0))},
    "offset past the end": {"a": entry(shape=[2], offsets=(0, 8))},
    "offset far past the end": {"a": entry(shape=[2**61], offsets=(0, 2**63))},
    "size overflows": {"a": entry(shape=[2**32, 2**32, 0], offsets=(0, 0))},
    "too many dimensions": {"a": entry(shape=[1] * 65)},
    "size of another dtype": {"a": entry("F16")},
    "overlap": {"a": entry(), "b": entry("F16", (1,), (2, 4))},
    "hole at the start": {"a": entry("F16", (1,), (2, 4))},
    "data nobody owns": {"a": entry("F16", (1,), (0, 2))},
    "tensor out of line": {"a": entry("F16", (1,), (0, 2)), "b": entry("F16", (1,), (2, 4))},
}


def write_raw(path: Path, header: bytes, length: int | None = None, data: bytes = b"\1\2\3\4") -> None:
    header += b" " * (-(8 + len(header)) % ALIGNMENT_BYTES)
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + data)


@pytest.mark.parametrize("header", HOSTILE_HEADERS.values(), ids=HOSTILE_HEADERS.keys())
def test_a_hostile_header_is_refused(header: object, tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    write_raw(path, json.dumps({"a": entry()}).encode())
    assert map_tensors(path)["a"].tobytes() == b"\1\2\3\4"
    write_raw(path, json.dumps(header).encode())
    with pytest.raises(CorruptModelError, match=str(path)):
        map_tensors(path)


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"{}", 2**64 - 1),
        (b"{}", 10_000),
        (b"{}", 0),
        (b"{", None),
        (b"\xff\xff", None),
        (b"[" * 100_000, None),
        (b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}", None),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,' + b"4" * 5000 + b"]}}", None),
        (b" " * MAX_HEADER_BYTES + b"{}", None),
    ],
    ids=[
        "endless",
        "longer than the file",
        "none",
        "half",
        "no text",
        "deep",
        "name twice",
        "huge number",
        "huge",
    ],
)
def test_a_file_without_a_proper_header_is_refused(header: bytes, length: int | None, tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    write_raw(path, header, length)
    with pytest.raises(CorruptModelError, match=r"no safetensors file|invalid header"):
        map_tensors(path)


@settings(deadline=None)
@given(st.data())
def test_a_file_altered_anywhere_is_refused_or_stays_inside_itself(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.safetensors"
        write_tensors(path, {"a": np.ones((3, 5), np.float32), "b": np.ones(7, np.float16)})
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))])
        try:
            mapped = map_tensors(path)
        except CorruptModelError:
            return
        assert sum(tensor.nbytes for tensor in mapped.values()) <= path.stat().st_size
        assert all(tensor.tobytes() is not None for tensor in mapped.values())


def test_a_file_that_other_tools_wrote_unaligned_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "params.safetensors"
    save_file({"a": np.ones(3, np.float32), "b": np.ones(3, np.float32)}, path)
    with pytest.raises(CorruptModelError, match=r"does not align tensor .* write it with `write_tensors`"):
        map_tensors(path)
