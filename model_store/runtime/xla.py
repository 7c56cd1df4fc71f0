"""Runs compiled programs with jaxlib alone: importing JAX's Python takes longer than loading a model.

`jaxlib.xla_client` is what JAX itself runs programs with; it is no public interface. That is no loss here: an
executable is tied to one jaxlib in any case, a version is published only after its golden cases passed through this
very module, and a process with another jaxlib compiles with JAX instead.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # as JAX does: XLA would tell of every client it makes

_one_client = Lock()  # arrays and programs of two clients do not fit each other

type DeviceArray = Any
"""An array of jaxlib's, on the CPU device."""


@dataclass(frozen=True)
class ArrayType:
    """What jaxlib asks of an array that comes or goes; `weak_type` is JAX's mark of Python scalars."""

    shape: tuple[int, ...]
    dtype: np.dtype
    weak_type: bool = False


@final
class Program:
    """An executable on this process's CPU device."""

    def __init__(self, payload: bytes, results: Sequence[ArrayType]) -> None:
        """Links the code into this process, which other threads can use meanwhile.

        Args:
            payload: what `serialize` gave. It is machine code: its digest must have been checked.
            results: shape and dtype of each result.

        Raises:
            Exception: XLA refuses it; of which kind is not documented.
        """
        from jaxlib import _jax

        cpu = _cpu()
        self._executable = cpu.client.deserialize_executable(payload, cpu.devices, None)
        self._handlers = [_jax.array_result_handler(result, cpu.sharding, committed=True) for result in results]

    def __call__(self, arguments: Sequence[DeviceArray]) -> list[DeviceArray]:
        """Starts the program; its results can be used at once, and are waited for where they are read."""
        results: list[DeviceArray] = self._executable.execute_sharded(arguments).consume_with_handlers(self._handlers)
        return results


def serialize(compiled: Any) -> bytes:
    """The executable of a program that JAX has compiled, as `Program` takes it."""
    payload: bytes = compiled.runtime_executable().serialize()
    return payload


def to_device(array: Shaped[np.ndarray, "..."]) -> DeviceArray:
    """Hands an array to the device: uncopied if it is 64-byte aligned, and then not to be changed any more."""
    from jaxlib import _jax

    cpu, kind = _cpu(), ArrayType(array.shape, array.dtype)
    return _jax.batched_device_put(kind, cpu.sharding, [array], [cpu.device], enable_x64=False)


def to_host(array: DeviceArray) -> Shaped[np.ndarray, "..."]:
    """The values, once they are computed; a view, not a copy."""
    array.block_until_ready()
    return np.asarray(memoryview(array))


@dataclass(frozen=True)
class _Cpu:
    client: Any
    device: Any
    devices: Any
    sharding: Any


def _cpu() -> _Cpu:
    with _one_client:
        return _make_cpu()


@cache
def _make_cpu() -> _Cpu:
    from jaxlib import xla_client

    client: Any = xla_client.make_cpu_client(num_devices=1)
    device = client.local_devices()[0]
    return _Cpu(client, device, xla_client.DeviceList((device,)), xla_client.SingleDeviceSharding(device))
