"""Reads PyTorch checkpoints without PyTorch, admitting nothing but tensors.

A `torch.save` file is a zip archive: one pickle that describes the tensors and one raw file a storage. Before PyTorch
1.6 it was a row of pickles with the raw storages behind them. A pickle is a program, so it is run by an unpickler that
knows four names, each mapped to a function of this module, and refuses every other.
Format: https://pytorch.org/docs/stable/notes/serialization.html
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from model_store.errors import MemorabilityError

_STORAGE_DTYPES: Mapping[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
# What the row of pickles begins with: a number that says what it is, then the format's version.
_LEGACY_MAGIC, _LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class CheckpointError(MemorabilityError):
    """A checkpoint that is damaged, asks for more than tensors, or does not fit the architecture."""


@dataclass(frozen=True)
class _StorageKind:
    dtype: np.dtype[Any]


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Returns the state dict of a file that `torch.save` wrote, as read-only arrays of the stored dtypes and shapes.

    Raises:
        CheckpointError: not such a file, damaged, or its pickle asks for anything but tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                state = _read_state(archive, path.name)
        else:
            with path.open("rb") as file:
                state = _read_legacy_state(file, path.stat().st_size, path.name)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged archive or pickle makes its parsers raise anything
        raise CheckpointError(f"{path.name} is not a readable PyTorch checkpoint: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(v, np.ndarray) for v in state.values()):
        raise CheckpointError(f"{path.name} is not a state dict (a flat mapping of names to tensors)")
    return dict(state)


def _read_state(archive: zipfile.ZipFile, source: str) -> Any:
    names = archive.namelist()
    pickled = next((name for name in names if name.endswith("/data.pkl")), None)
    if pickled is None:
        raise CheckpointError(f"{source} holds no data.pkl: it was not written by torch.save")
    prefix = pickled.removesuffix("data.pkl")
    byte_order = f"{prefix}byteorder"
    if byte_order in names and archive.read(byte_order) != b"little":
        raise CheckpointError(f"{source} was written on a big-endian machine: save it again on a little-endian one")

    def storage(key: str, dtype: np.dtype[Any], _count: int) -> np.ndarray:
        return np.frombuffer(archive.read(f"{prefix}data/{key}"), dtype)

    return _TensorUnpickler(io.BytesIO(archive.read(pickled)), storage, source).load()


def _read_legacy_state(file: BinaryIO, size: int, source: str) -> Any:
    """Storages lie behind the pickle that speaks of them: its tensors are views of memory that is filled afterwards."""
    storages: dict[str, np.ndarray] = {}

    def storage(key: str, dtype: np.dtype[Any], count: int) -> np.ndarray:
        if not 0 <= count * dtype.itemsize <= size:
            raise CheckpointError(f"{source} is truncated: storage {key} is to hold {count} values")
        return storages.setdefault(key, np.zeros(count, dtype))

    def load() -> Any:
        return _TensorUnpickler(file, storage, source).load()

    if load() != _LEGACY_MAGIC or load() != _LEGACY_PROTOCOL:
        raise CheckpointError(f"{source} was not written by torch.save")
    if not load()["little_endian"]:
        raise CheckpointError(f"{source} was written on a big-endian machine: save it again on a little-endian one")
    state = load()
    for key in load():
        (count,) = struct.unpack("<q", file.read(8))
        content = file.read(storages[key].nbytes)
        if count != storages[key].size or len(content) != storages[key].nbytes:
            raise CheckpointError(f"{source} is truncated: storage {key} does not hold {storages[key].size} values")
        storages[key][:] = np.frombuffer(content, storages[key].dtype)
    return state


type _FindStorage = Callable[[str, np.dtype[Any], int], np.ndarray]
"""Gives the values of a storage by its key, dtype and count."""


class _TensorUnpickler(pickle.Unpickler):
    """Builds numpy arrays where the pickle asks for tensors; any other global is refused before it is looked up."""

    def __init__(self, file: BinaryIO, storage: _FindStorage, source: str) -> None:
        super().__init__(file)
        self._storage, self._source = storage, source

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGE_DTYPES:
            return _StorageKind(_STORAGE_DTYPES[name])
        admitted = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
        }
        if (module, name) in admitted:
            return admitted[module, name]
        raise CheckpointError(
            f"{self._source} is refused: its pickle asks for {module}.{name}, and only tensors are admitted. "
            "Save the model's state dict alone (torch.save(model.state_dict(), …)) and import that."
        )

    def persistent_load(self, pid: Any) -> np.ndarray:
        tag, kind, key, _location, count, *_view = pid
        if tag != "storage" or not isinstance(kind, _StorageKind):
            raise CheckpointError(f"{self._source} refers to {tag!r}, which is not a tensor storage")
        data = self._storage(key, kind.dtype, count)
        if data.size < count:
            raise CheckpointError(f"{self._source} is truncated: storage {key} holds {data.size} of {count} values")
        return data


def _rebuild_tensor(
    storage: np.ndarray, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_unused: Any
) -> np.ndarray:
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if min((offset, *shape, *stride)) < 0 or (last >= storage.size and 0 not in shape):
        raise ValueError(f"a tensor of shape {shape} reaches outside its storage of {storage.size} values")
    byte_stride = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, byte_stride, writeable=False)


def _rebuild_parameter(data: np.ndarray, *_unused: Any) -> np.ndarray:
    return data


def check_against_skeleton(params: Mapping[str, Any], skeleton: Mapping[str, Any], source: str) -> None:
    """Compares nested parameters with the shapes an architecture expects, naming every leaf that does not fit.

    Args:
        params: nested mapping of arrays.
        skeleton: the same nesting of anything with a `shape`, usually from `jax.eval_shape`.
        source: what the parameters came from, for the message.

    Raises:
        CheckpointError: one error that lists all missing, unexpected and mis-shaped leaves.
    """
    found = {name: tuple(leaf.shape) for name, leaf in flatten(params)}
    expected = {name: tuple(leaf.shape) for name, leaf in flatten(skeleton)}
    problems = [f"missing: {name} {expected[name]}" for name in sorted(expected.keys() - found.keys())]
    problems += [f"unexpected: {name} {found[name]}" for name in sorted(found.keys() - expected.keys())]
    problems += [
        f"wrong shape: {name} is {found[name]}, expected {expected[name]}"
        for name in sorted(found.keys() & expected.keys())
        if found[name] != expected[name]
    ]
    if problems:
        raise CheckpointError(f"{source} does not fit the architecture:\n  " + "\n  ".join(problems))


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields (slash-joined path, leaf) of nested string-keyed mappings, in the mappings' order."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def unflatten(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`: nests slash-joined paths."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, last = path.split("/")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = leaf
    return tree
