"""What JAX computes on, and how much of it there is."""

import os
from dataclasses import dataclass
from typing import Self

import jax

# Of the memory, for parameters and for one batch each; the rest is for what XLA needs beside them.
MODELS_SHARE = BATCH_SHARE = 0.4
# What a photo needs at most: ResMem's activations in the pass backwards through all of it, in float32. Where it needs
# more, batches are halved.
PHOTO_BYTES = 400_000_000
MAX_BATCH = 64
# Two cores are busy with one photo; a batch saves them the work that it shares, which is little after a few.
CPU_BATCH = 4


@dataclass(frozen=True)
class Device:
    """The first of JAX's devices.

    Attributes:
        kind: for the log, such as `NVIDIA L4` or `cpu`.
        is_cpu: whether it is the machine's own processor.
        memory_bytes: that this process may use.
    """

    kind: str
    is_cpu: bool
    memory_bytes: int

    @classmethod
    def find(cls) -> Self:
        """Asks JAX, which takes a GPU where there is one."""
        device = jax.local_devices()[0]
        is_cpu = device.platform == "cpu"
        limits = device.memory_stats() or {}
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(device.device_kind, is_cpu, int(limits.get("bytes_limit", memory)))

    @property
    def models_bytes(self) -> int:
        """What the parameters of all models may take together."""
        return int(self.memory_bytes * MODELS_SHARE)

    @property
    def batch_size(self) -> int:
        """Photos to begin with in a batch."""
        if self.is_cpu:
            return CPU_BATCH
        return min(MAX_BATCH, max(1, int(self.memory_bytes * BATCH_SHARE) // PHOTO_BYTES))
