"""Counts the instructions that this process executes, where the kernel and the machine can (perf_event_open(2))."""

import ctypes
import os
import platform

_SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
_HARDWARE, _INSTRUCTIONS = 0, 1
_THREADS_TOO, _NOT_THE_KERNEL, _NOT_THE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6


class _Attributes(ctypes.Structure):
    """The first version of `struct perf_event_attr`, 64 bytes."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("config", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
        ("sample_type", ctypes.c_uint64),
        ("read_format", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("unused", ctypes.c_uint64 * 2),
    )


class InstructionCounter:
    """Counts from now on, in this thread and in those that are started from now on."""

    def __init__(self) -> None:
        """Opens the counter; `count` is None where there is none to open."""
        flags = _THREADS_TOO | _NOT_THE_KERNEL | _NOT_THE_HYPERVISOR
        attributes = _Attributes(_HARDWARE, ctypes.sizeof(_Attributes), _INSTRUCTIONS, flags=flags)
        number = _SYSTEM_CALL.get(platform.machine())
        library = ctypes.CDLL(None)
        self._file = library.syscall(number, ctypes.byref(attributes), 0, -1, -1, 0) if number else -1

    def count(self) -> "int | None":
        """Instructions so far."""
        return int.from_bytes(os.read(self._file, 8), "little") if self._file >= 0 else None
