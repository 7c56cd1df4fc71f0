"""Reads PyTorch checkpoints without PyTorch, admitting nothing but tensors.

A `torch.save` file is a zip archive: one pickle that describes the tensors and one raw file a storage. The pickle is a
program, so it is run by an unpickler that knows four names, each mapped to a function of this module, and refuses every
other. Format: https://pytorch.org/docs/stable/notes/serialization.html
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


class CheckpointError(MemorabilityError):
    """A checkpoint that is damaged, asks for more than tensors, or does not fit the architecture."""


@dataclass(frozen=True)
class _StorageKind:
    dtype: np.dtype[Any]


def read_checkpoint(path: Path) -> dict[str, np.ndarray]:
    """Returns the state dict of a `torch.save` archive as read-only arrays of the stored dtypes and shapes.

    Raises:
        CheckpointError: not such an archive, damaged, or its pickle asks for anything but tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            state = _read_state(archive, path.name)
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
    return _TensorUnpickler(archive, prefix, source).load()


class _TensorUnpickler(pickle.Unpickler):
    """Builds numpy arrays where the pickle asks for tensors; any other global is refused before it is looked up."""

    def __init__(self, archive: zipfile.ZipFile, prefix: str, source: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{prefix}data.pkl")))
        self._archive, self._prefix, self._source = archive, prefix, source

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
        tag, kind, key, _location, count = pid
        if tag != "storage" or not isinstance(kind, _StorageKind):
            raise CheckpointError(f"{self._source} refers to {tag!r}, which is not a tensor storage")
        data = np.frombuffer(self._archive.read(f"{self._prefix}data/{key}"), dtype=kind.dtype)
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
