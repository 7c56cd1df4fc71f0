"""Parameters in the safetensors format, every tensor 64-byte aligned: a map of them reaches JAX uncopied.

The format is a little-endian uint64 header length, a JSON header and the data, in which tensors must follow
each other without holes (https://github.com/huggingface/safetensors#format). It aligns nothing by itself:
here the header is padded with spaces and short `uint8` tensors named `__pad_N` fill the gaps, so that any
reader of the format can read the file. Tensors lie in the order they are given; in the order of their use,
one sequential read serves the model.
"""

import json
import math
import mmap
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import ml_dtypes
import numpy as np
from jaxtyping import Shaped

from model_store.store.errors import CorruptModelError, StoreError

ALIGNMENT_BYTES = 64  # XLA's minimum for CPU buffers that it takes over without a copy
MAX_HEADER_BYTES = 16 * 1024 * 1024  # ResNet-152 takes 0.1 MB; the format's own readers stop at 100 MB
_MAX_DIMENSIONS = 32
_LENGTH_BYTES = 8
_PAD_PREFIX = "__pad_"
_METADATA = "__metadata__"

type Tensor = Shaped[np.ndarray, "..."]

_DTYPES: Mapping[str, np.dtype] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I32": np.dtype("<i4"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


@dataclass(frozen=True)
class _Entry:
    """One tensor of the header; `begin` and `end` are bytes from the start of the data."""

    name: str
    code: str
    shape: tuple[int, ...]
    begin: int
    end: int


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a safetensors file, in the order given, and force it to the disk.

    Args:
        path: The file, replaced if it exists.
        tensors: Arrays of float32, float16, bfloat16, int32, int8 or uint8, of any shape.

    Raises:
        StoreError: a dtype or a name that such a file cannot hold.
    """
    entries = _lay_out(tensors)
    with path.open("wb") as file:
        file.write(_header_bytes(entries))
        for entry in entries:
            if entry.name in tensors:
                _write_array(file, tensors[entry.name], _DTYPES[entry.code])
            else:
                file.write(bytes(entry.end - entry.begin))
        file.flush()
        os.fsync(file.fileno())


def _lay_out(tensors: Mapping[str, Tensor]) -> list[_Entry]:
    entries: list[_Entry] = []
    end = 0
    for name, tensor in tensors.items():
        if name == _METADATA or name.startswith(_PAD_PREFIX):
            raise StoreError(f"A tensor cannot be named {name!r}: the file format uses that name itself.")
        if gap := -end % ALIGNMENT_BYTES:
            entries.append(_Entry(f"{_PAD_PREFIX}{len(entries)}", "U8", (gap,), end, end + gap))
            end += gap
        entries.append(_Entry(name, _code_of(name, tensor.dtype), tensor.shape, end, end + tensor.nbytes))
        end += tensor.nbytes
    return entries


def _code_of(name: str, dtype: np.dtype) -> str:
    code = _CODES.get(dtype.newbyteorder("<"))
    if code is None:
        known = ", ".join(str(known) for known in _CODES)
        raise StoreError(f"Tensor {name!r} has the dtype {dtype}; parameter files hold {known}.")
    return code


def _header_bytes(entries: Iterable[_Entry]) -> bytes:
    header = {
        entry.name: {"dtype": entry.code, "shape": entry.shape, "data_offsets": (entry.begin, entry.end)}
        for entry in entries
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % ALIGNMENT_BYTES)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _write_array(file: BinaryIO, tensor: Tensor, dtype: np.dtype) -> None:
    contiguous = np.asarray(tensor, dtype=dtype, order="C")
    file.write(contiguous.reshape(-1).view(np.uint8).data)


@final
class MappedTensors(Mapping[str, Tensor]):
    """Read-only views of a mapped file, their addresses 64-byte aligned, in the order of the file."""

    def __init__(self, tensors: Mapping[str, Tensor], pages: mmap.mmap) -> None:
        self._tensors = tensors
        self._pages = pages

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def release(self) -> None:
        """Gives the memory back that the tensors take in this process; they can be used as before.

        The system keeps the file's content in its cache as long as it likes, and maps it again where it is used.
        """
        self._pages.madvise(mmap.MADV_DONTNEED)


def map_tensors(path: Path) -> MappedTensors:
    """Map a file that `write_tensors` wrote into memory; nothing is read before it is used.

    Raises:
        CorruptModelError: the file is not a valid safetensors file, or a tensor in it is not aligned.
        FileNotFoundError: there is no such file.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header_end, header = _read_header(path, file, size)
        entries = [_parse_entry(path, name, fields, size) for name, fields in header.items() if name != _METADATA]
        _check_layout(path, entries, header_end, size)
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = np.frombuffer(pages, np.uint8)[header_end:]
    tensors = {
        entry.name: data[entry.begin : entry.end].view(_DTYPES[entry.code]).reshape(entry.shape)
        for entry in entries
        if not entry.name.startswith(_PAD_PREFIX)
    }
    return MappedTensors(tensors, pages)


def _read_header(path: Path, file: BinaryIO, size: int) -> tuple[int, dict[str, object]]:
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if size < _LENGTH_BYTES or length > min(size - _LENGTH_BYTES, MAX_HEADER_BYTES):
        raise CorruptModelError(f"{path} is no safetensors file: {size:,} bytes with a header of {length:,}.")
    try:
        header = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise CorruptModelError(f"{path} is no safetensors file: its header is not JSON ({error}).") from error
    if not isinstance(header, dict):
        raise CorruptModelError(f"{path} is no safetensors file: its header is not a JSON object.")
    return _LENGTH_BYTES + length, header


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _parse_entry(path: Path, name: str, fields: object, file_size: int) -> _Entry:
    match fields:
        case {"dtype": str(code), "shape": [*shape], "data_offsets": [begin, end], **others} if not others:
            numbers = [*shape, begin, end]
            plausible = all(type(number) is int and 0 <= number <= file_size for number in numbers)
            if plausible and code in _DTYPES and len(shape) <= _MAX_DIMENSIONS:
                return _checked_size(path, _Entry(name, code, tuple(shape), begin, end))
    raise CorruptModelError(f"{path} has an invalid header entry for {name!r}, or one of an unsupported dtype.")


def _checked_size(path: Path, entry: _Entry) -> _Entry:
    size = math.prod(entry.shape) * _DTYPES[entry.code].itemsize
    if entry.end - entry.begin != size:
        raise CorruptModelError(
            f"{path} gives tensor {entry.name!r} the bytes {entry.begin:,} to {entry.end:,}, "
            f"but its shape and dtype take {size:,}."
        )
    return entry


def _check_layout(path: Path, entries: Iterable[_Entry], header_end: int, size: int) -> None:
    end = 0
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end:
            raise CorruptModelError(f"{path} has a hole or an overlap before tensor {entry.name!r}.")
        if (header_end + entry.begin) % ALIGNMENT_BYTES and not entry.name.startswith(_PAD_PREFIX):
            raise CorruptModelError(
                f"{path} does not align tensor {entry.name!r} to {ALIGNMENT_BYTES} bytes: "
                "write it with `write_tensors`."
            )
        end = entry.end
    if header_end + end != size:
        raise CorruptModelError(f"{path} has {size - header_end:,} bytes of tensors and not the {end:,} declared.")
