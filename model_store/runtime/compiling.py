"""Compiles a version for every level of CPU that a fleet has, each in a process of its own.

XLA reads its flags once, so that one process compiles for one level. As a program, this module does so:
`python -m model_store.runtime.compiling FOLDER < manifest.json`, with the level in XLA_FLAGS.
"""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from model_store.errors import MemorabilityError
from model_store.golden import require_golden_scores
from model_store.models.taps import feature_count
from model_store.runtime.executables import BATCH_SIZES, ExecutableError, can_serve, compile_executables
from model_store.runtime.loading import load_model
from model_store.runtime.programs import Images
from model_store.runtime.target import InstructionSet, Target, host_targets
from model_store.store import Manifest
from model_store.store.compiled import find_target_problems
from model_store.store.layout import COMPILED_FOLDER

logger = logging.getLogger(__name__)

REFUSED = 65  # EX_DATAERR of sysexits.h: the input is at fault, not the program
_ERROR_TAIL_CHARACTERS = 2000


class RefusedVersionError(MemorabilityError):
    """A version that cannot be compiled or does not give its golden scores."""


class CompilerCrashError(RuntimeError):
    """The compiling process died, of too little memory for instance; the version may be good."""


def fleet_targets() -> tuple[Target, ...]:
    """What this machine can compile for and try, lowest level first; NATIVE alone where it has none of the others."""
    targets = host_targets()
    return tuple(reversed([t for t in targets if t.isa is not InstructionSet.NATIVE])) or targets


def compile_for_fleet(folder: Path, manifest: Manifest) -> None:
    """Compiles a version for each of `fleet_targets` that it lacks, and tries its golden cases on it.

    A target whose executables are damaged, or were made by software that made others, counts as lacking.

    Args:
        folder: the version's folder, or a draft of it.
        manifest: its manifest.

    Raises:
        RefusedVersionError: it cannot be compiled, or does not give its golden scores.
        CompilerCrashError: a compiling process died.
    """
    # A process takes the best executables that it finds: from the lowest level on, each gets its trial.
    for target in fleet_targets():
        place = folder / COMPILED_FOLDER / target.name
        if find_target_problems(place) or not can_serve(place, manifest):
            compile_in_subprocess(folder, manifest, target.isa)


def compile_in_subprocess(folder: Path, manifest: Manifest, isa: InstructionSet) -> None:
    """Compiles for one level and tries the result; raises as `compile_for_fleet` does."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, folder],
        check=False,
        input=manifest.model_dump_json(),
        capture_output=True,
        text=True,
        env=_environment(isa),
    )
    if done.returncode == REFUSED:
        raise RefusedVersionError(done.stdout.strip())
    if done.returncode:
        raise CompilerCrashError(
            f"compiling {manifest.ref} for {isa} ended with {done.returncode}: {done.stderr[-_ERROR_TAIL_CHARACTERS:]}"
        )
    logger.info("%s is compiled for %s and gives its golden scores", manifest.ref, isa)


def _has_features(manifest: Manifest) -> bool:
    """Whether heads can be trained on it."""
    return bool(feature_count(manifest.architecture, manifest.architecture_settings))


def _environment(isa: InstructionSet) -> dict[str, str]:
    flags = re.sub(r"--xla_cpu_max_isa=\S*", "", os.environ.get("XLA_FLAGS", ""))
    cap = "" if isa is InstructionSet.NATIVE else f"--xla_cpu_max_isa={isa}"
    return os.environ | {"XLA_FLAGS": f"{flags} {cap}".strip(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def compile_and_try(folder: Path, manifest: Manifest) -> None:
    """Compiles for the level of this process, and tries the golden cases in every compiled batch size.

    Raises:
        ExecutableError: the executables cannot be loaded.
        GoldenCaseError: a score is further off than its tolerance.
    """
    compile_executables(folder, manifest)
    has_features = _has_features(manifest)
    model = load_model(folder, manifest, with_features=has_features)
    if not model.programs.ahead_of_time:
        raise ExecutableError(f"{manifest.ref} cannot run on the executables that were just compiled for it")
    for trunk in model.trunks:
        if not trunk.programs.ahead_of_time:
            raise ExecutableError(
                f"{manifest.ref} reads {trunk.manifest.ref}, which has no executables that give features: publish or "
                "compile that again first"
            )
    size = manifest.preprocessing.crop
    scores: list[Callable[[Images], Float[np.ndarray, " batch"]]] = [model]
    if has_features:
        scores.append(lambda images: model.see(images)[0])
    if model.programs.gradcam:
        scores.append(lambda images: model.explain(images)[0])
    for score in scores:
        require_golden_scores(score, manifest.golden, size, manifest.ref, at_least=sum(BATCH_SIZES))


def main() -> int:
    """Compiles the version whose folder is named and whose manifest comes through standard input."""
    try:
        compile_and_try(Path(sys.argv[1]), Manifest.model_validate_json(sys.stdin.buffer.read()))
    except MemorabilityError as error:
        print(error)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
