"""What executables are compiled for, and where XLA is told so."""

import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from model_store.runtime.target import (
    InstructionSet,
    compiling_target,
    host_flags,
    host_isa,
    host_targets,
    required_flags,
)


def test_a_target_is_named_by_jaxlib_machine_and_instructions() -> None:
    for target in host_targets():
        assert re.fullmatch(rf"jaxlib-{re.escape(version('jaxlib'))}-\w+-(avx512|avx2|native)", target.name)


def test_a_host_takes_its_own_level_first_and_then_the_lower_ones() -> None:
    levels = [target.isa for target in host_targets()]

    assert levels[0] is host_isa()
    assert levels == [level for level in InstructionSet if level in levels]
    assert levels[-1] is InstructionSet.NATIVE


@pytest.mark.parametrize("isa", InstructionSet)
def test_a_host_meets_what_it_asks_of_others_at_its_own_level_and_below(isa: InstructionSet) -> None:
    within_reach = isa in {target.isa for target in host_targets()}

    assert (required_flags(isa) <= host_flags()) == within_reach


@pytest.mark.parametrize(
    ("flags", "isa"),
    [
        ("--xla_cpu_max_isa=AVX2", InstructionSet.AVX2),
        ("--xla_dump_to=/tmp --xla_cpu_max_isa=AVX512 --xla_x=1", InstructionSet.AVX512),
        ("--xla_cpu_max_isa=SSE4_2", InstructionSet.NATIVE),
        ("", InstructionSet.NATIVE),
    ],
)
def test_the_cap_in_the_flags_decides_the_target(
    monkeypatch: pytest.MonkeyPatch, flags: str, isa: InstructionSet
) -> None:
    monkeypatch.setenv("XLA_FLAGS", flags)

    assert compiling_target().isa is isa


def flags_of_a_process(program: str, xla_flags: str) -> str:
    environment = os.environ | {"XLA_FLAGS": xla_flags}
    process = subprocess.run(
        [sys.executable, "-c", f"import os\n{program}\nprint(os.environ['XLA_FLAGS'])"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return process.stdout.strip()


def test_importing_the_runtime_caps_the_instructions_and_keeps_other_flags() -> None:
    cap = "" if host_isa() is InstructionSet.NATIVE else f" --xla_cpu_max_isa={host_isa()}"

    assert flags_of_a_process("import model_store.runtime", "--xla_dump_to=x") == f"--xla_dump_to=x{cap}"


def test_a_cap_that_is_there_stays() -> None:
    cap = "--xla_cpu_max_isa=AVX"

    assert flags_of_a_process("import model_store.runtime", cap) == cap


def test_a_process_that_has_jax_already_keeps_the_flags_it_began_with() -> None:
    program = "import sys; sys.modules['jax'] = object(); import model_store.runtime"

    assert flags_of_a_process(program, "--xla_dump_to=x") == "--xla_dump_to=x"
