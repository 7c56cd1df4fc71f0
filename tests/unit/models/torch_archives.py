"""Writes files as `torch.save` does, without PyTorch, and files that PyTorch never would write.

A pickle is put together from its instructions (the constants are named in Python's `pickletools`), so that a test can
say exactly what the program asks for.
"""

import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

STORAGES: Mapping[np.dtype[Any], str] = {
    np.dtype(np.float32): "FloatStorage",
    np.dtype(np.float64): "DoubleStorage",
    np.dtype(np.float16): "HalfStorage",
    np.dtype(ml_dtypes.bfloat16): "BFloat16Storage",
    np.dtype(np.int64): "LongStorage",
    np.dtype(np.int32): "IntStorage",
}


def value(of: object) -> bytes:
    """Pushes a plain value."""
    return pickle.dumps(of, protocol=2)[2:-1]  # without the mark of the protocol and the STOP


def named(module: str, name: str) -> bytes:
    """Pushes what a module calls by that name."""
    return f"c{module}\n{name}\n".encode()


def tuple_of(*items: bytes) -> bytes:
    """Pushes a tuple."""
    return b"(" + b"".join(items) + b"t"


def called(function: bytes, *arguments: bytes) -> bytes:
    """Pushes a call's result."""
    return function + tuple_of(*arguments) + b"R"


def ordered(items: Mapping[str, bytes]) -> bytes:
    """Pushes an `OrderedDict`."""
    pairs = b"".join(value(key) + item for key, item in items.items())
    return called(named("collections", "OrderedDict")) + b"(" + pairs + b"u"


def storage(key: str, kind: str, count: int, *more: bytes) -> bytes:
    """Pushes a storage by its persistent id."""
    return tuple_of(value("storage"), named("torch", kind), value(key), value("cpu"), value(count), *more) + b"Q"


def tensor(held_by: bytes, shape: tuple[int, ...], stride: tuple[int, ...] | None = None, offset: int = 0) -> bytes:
    """Pushes a tensor; its strides, in values, are those of a contiguous one unless given."""
    steps = contiguous_stride(shape) if stride is None else stride
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    return called(rebuild, held_by, value(offset), value(shape), value(steps), value(False), ordered({}))


def parameter(of: bytes) -> bytes:
    """Pushes a `torch.nn.Parameter`."""
    return called(named("torch._utils", "_rebuild_parameter"), of, value(True), ordered({}))


def contiguous_stride(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a C-contiguous tensor, in values."""
    return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))


def write_archive(path: Path, program: bytes, storages: Mapping[str, bytes] | None = None) -> Path:
    """Writes an archive around a pickle program that leaves its result on the stack."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + program + b".")
        archive.writestr("archive/byteorder", "little")
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")
    return path


def save_state(path: Path, state: Mapping[str, np.ndarray]) -> Path:
    """Writes a state dict, one storage a tensor."""
    tensors = {
        name: tensor(storage(str(key), STORAGES[array.dtype], array.size), array.shape)
        for key, (name, array) in enumerate(state.items())
    }
    contents = {str(key): array.tobytes() for key, array in enumerate(state.values())}
    return write_archive(path, ordered(tensors), contents)


def write_legacy(path: Path, program: bytes, storages: Mapping[str, bytes], counts: Mapping[str, int]) -> Path:
    """Writes the row of pickles that `torch.save` wrote before PyTorch 1.6, around a program."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    pickles = [*(pickle.dumps(part, protocol=2) for part in head), b"\x80\x02" + program + b"."]
    raw = b"".join(struct.pack("<q", counts[key]) + content for key, content in storages.items())
    path.write_bytes(b"".join(pickles) + pickle.dumps(list(storages), protocol=2) + raw)
    return path


def save_legacy_state(path: Path, state: Mapping[str, np.ndarray]) -> Path:
    """Writes a state dict in that format, one storage a tensor."""
    tensors = {
        name: tensor(storage(str(key), STORAGES[array.dtype], array.size, value(None)), array.shape)
        for key, (name, array) in enumerate(state.items())
    }
    contents = {str(key): array.tobytes() for key, array in enumerate(state.values())}
    counts = {str(key): array.size for key, array in enumerate(state.values())}
    return write_legacy(path, ordered(tensors), contents, counts)
