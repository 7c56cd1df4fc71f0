"""Runs the test suites one after another and says what each covered, and which did not run and why.

`python -m scripts.test_suites [SUITE...]`. A suite whose tool is missing is passed over, with the way to get it, or
fails the run where MEMORABILITY_REQUIRE_ALL is set.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.chromium import HOW_TO_GET_IT, find_chromium


@dataclass(frozen=True)
class Suite:
    """A folder of tests.

    Attributes:
        covers: what it proves, for people.
        tools: programs it cannot do without, and how to get each.
        workers: how many processes share its modules.
        keeps_programs: whether its processes share what JAX compiles: tiny networks compile for longer than they run.
    """

    covers: str
    tools: Mapping[str, str]
    workers: int = 0
    keeps_programs: bool = False

    def run(self, name: str) -> bool:
        """Runs it; whether it passed."""
        parallel = ["--numprocesses", str(self.workers), "--dist", "loadfile"] if self.workers else []
        command = [sys.executable, "-m", "pytest", f"tests/{name}", *parallel]
        environment = os.environ | (KEPT_PROGRAMS if self.keeps_programs else {})
        return subprocess.run(command, check=False, env=environment).returncode == 0


TERRAFORM = {"terraform": "https://developer.hashicorp.com/terraform/install"}
STRIP = {"strip": "the package binutils"}
CHROMIUM = {"chromium": HOW_TO_GET_IT}
# https://docs.jax.dev/en/latest/persistent_compilation_cache.html: by default only what took a second is kept.
KEPT_PROGRAMS = {
    "JAX_COMPILATION_CACHE_DIR": str(Path("build/compiled-by-tests").resolve()),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}
SUITES = {
    "unit": Suite("one module at a time, no network", {}, workers=2, keeps_programs=True),
    "integration": Suite(
        "functions and commands against emulated AWS services, in this process", {}, workers=2, keeps_programs=True
    ),
    "terraform": Suite(
        "the Terraform modules, offline",
        TERRAFORM | {"cloud-init": "your system's package manager, e.g. apt-get install"},
        workers=2,
    ),
    "browser": Suite("the page in Chromium, against a stand-in for the platform", CHROMIUM, workers=2),
    "e2e": Suite("published weights, through the command and the packaged functions", STRIP),
    "platform": Suite(
        "the Terraform applied to an emulator: photos, page and API through it, and its removal",
        TERRAFORM | STRIP | CHROMIUM,
    ),
}


def is_there(tool: str) -> bool:
    """Whether a program can be run; Chromium has several names."""
    return (find_chromium() if tool in CHROMIUM else shutil.which(tool)) is not None


def main() -> int:
    """Runs what is named, or everything; returns 0 if nothing failed."""
    require_all = bool(os.environ.get("MEMORABILITY_REQUIRE_ALL"))
    lines, failed = [], False
    for name in sys.argv[1:] or SUITES:
        missing = {tool: way for tool, way in SUITES[name].tools.items() if not is_there(tool)}
        start = time.monotonic()
        if missing:
            outcome = "NOT RUN: " + "; ".join(f"{tool} is missing, get it from {way}" for tool, way in missing.items())
            failed = failed or require_all
        else:
            passed = SUITES[name].run(name)
            outcome = f"{'passed' if passed else 'FAILED'} in {time.monotonic() - start:.0f} s"
            failed = failed or not passed
        lines.append(f"{name:12} {outcome}  ({SUITES[name].covers})")
    print("\n".join(["", *lines]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
