"""What a compiled executable is tied to: the jaxlib that made it and the instructions it may use.

Lambda promises no particular CPU, so executables are compiled under a cap (`xla_cpu_max_isa`) and a host takes the
best one that it can run.
"""

import os
import platform
import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from jaxlib.version import __version__ as jaxlib_version


class InstructionSet(StrEnum):
    """Levels of CPU instructions, best first, as `xla_cpu_max_isa` names them; NATIVE sets no cap."""

    AVX512 = "AVX512"
    AVX2 = "AVX2"
    NATIVE = "NATIVE"


# Flags of /proc/cpuinfo that code of each level needs. Under the AVX2 cap XLA may still name avx_vnni, whose only
# instructions multiply integers: the graphs here compute in float32, so it is not asked of a host.
_AVX2_FLAGS = frozenset({"avx", "avx2", "fma", "f16c", "bmi1", "bmi2"})
_AVX512_FLAGS = _AVX2_FLAGS | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
# The AVX512 cap leaves these in where the compiling machine has them (seen with jaxlib 0.12.0.1).
_AVX512_EXTRA_FLAGS = frozenset(
    {"avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_bitalg", "avx512_vpopcntdq", "avx512_fp16"}
)


@dataclass(frozen=True)
class Target:
    """A jaxlib version and an instruction level; `name` is the folder its executables lie in."""

    jaxlib: str
    machine: str
    isa: InstructionSet

    @property
    def name(self) -> str:
        """For example `jaxlib-0.12.0.1-x86_64-avx2`."""
        return f"jaxlib-{self.jaxlib}-{self.machine}-{self.isa.lower()}"


def host_targets() -> tuple[Target, ...]:
    """Targets whose executables this machine may be able to run, best first."""
    levels = list(InstructionSet)
    return tuple(_target(isa) for isa in levels[levels.index(host_isa()) :])


def compiling_target() -> Target:
    """The target of what this process compiles: the cap in XLA_FLAGS, else what the machine has."""
    cap = re.search(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    return _target(InstructionSet(cap[1]) if cap and cap[1] in set(InstructionSet) else InstructionSet.NATIVE)


def cap_instructions() -> None:
    """Puts this machine's level into XLA_FLAGS of this process and its children, unless a cap is there.

    A process that has imported JAX already keeps the flags it began with.
    """
    flags, isa = os.environ.get("XLA_FLAGS", ""), host_isa()
    if "jax" not in sys.modules and "xla_cpu_max_isa" not in flags and isa is not InstructionSet.NATIVE:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_max_isa={isa}".strip()


def required_flags(isa: InstructionSet) -> frozenset[str]:
    """CPU flags that a host must have for what this machine compiles under that cap."""
    host = host_flags()
    return {
        InstructionSet.NATIVE: host,
        InstructionSet.AVX512: _AVX512_FLAGS | (_AVX512_EXTRA_FLAGS & host),
        InstructionSet.AVX2: _AVX2_FLAGS,
    }[isa]


def host_isa() -> InstructionSet:
    """The best level of this machine; NATIVE where it is older than AVX2 or another architecture."""
    flags = host_flags()
    if flags >= _AVX512_FLAGS:
        return InstructionSet.AVX512
    return InstructionSet.AVX2 if flags >= _AVX2_FLAGS else InstructionSet.NATIVE


def _target(isa: InstructionSet) -> Target:
    return Target(jaxlib_version, platform.machine(), isa)


@cache
def host_flags() -> frozenset[str]:
    """CPU flags of this machine as /proc/cpuinfo names them; empty where there is no such file."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return frozenset()
    for line in cpuinfo.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()
