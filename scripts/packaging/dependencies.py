"""Locked dependencies, as wheels for Lambda and for the heatmap workers, unpacked into a folder."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.packaging.architecture import PYTHON, Architecture
from scripts.packaging.tools import find_uv, run

ROOT = Path(__file__).parents[2]

# The publisher needs boto3 before the bundle is on the volume; and hundreds of small files are better off in a zip than
# on a network volume, which serves them one round trip after the other.
ZIPPED_GROUP = "functions"

# JAX's way to NVIDIA's GPUs, for the heatmap workers.
CUDA_GROUP = "worker"

# What the project needs elsewhere but no function imports, with all that only these need.
NOT_FOR_FUNCTIONS = (
    "jinja2",  # reports
    "markdown-it-py",  # of rich, which flax imports, for Markdown in terminals
    "orbax-checkpoint",  # of flax, for training
    "platformdirs",  # the command line
    "pypi-simple",  # importing published models
    "requests",  # the same
    "scipy",  # of jax, for jax.scipy
    "tensorstore",  # of flax, for training
    "treescope",  # of flax, for notebooks
    "typer",  # the command line
)
# Not needed itself, but what it depends on is: flax imports absl and leaves it to optax to bring it.
LEFT_OUT_ALONE = ("optax",)


@dataclass(frozen=True)
class Requirements:
    """Lines of a requirements file: exact versions with the digests of their files."""

    lines: tuple[str, ...]

    def __add__(self, other: "Requirements") -> "Requirements":
        """The requirements of both, each once."""
        return Requirements((*self.lines, *(other - self).lines))

    def __sub__(self, other: "Requirements") -> "Requirements":
        """The requirements that the other has not."""
        return Requirements(tuple(line for line in self.lines if line not in other.lines))


def zipped_requirements() -> Requirements:
    """What lies in every zip beside our own code."""
    return _export("--only-group", ZIPPED_GROUP)


def bundled_requirements() -> Requirements:
    """What lies on the volume: all that functions import and the zips do not have."""
    pruned = [argument for package in NOT_FOR_FUNCTIONS for argument in ("--prune", package)]
    left_out = [argument for package in LEFT_OUT_ALONE for argument in ("--no-emit-package", package)]
    return _export("--no-default-groups", "--no-emit-project", *pruned, *left_out) - zipped_requirements()


def worker_requirements(*, cuda: bool) -> Requirements:
    """All that the heatmap worker imports, with or without what JAX needs to compute on NVIDIA's GPUs."""
    worker = bundled_requirements() + zipped_requirements()
    return worker + _export("--only-group", CUDA_GROUP, "--prune", "scipy") if cuda else worker


def _export(*arguments: str) -> Requirements:
    text = run([find_uv(), "export", "--project", ROOT, "--frozen", "--no-header", "--no-annotate", *arguments])
    return Requirements(tuple(text.replace("\\\n", "").splitlines()))


def install(requirements: Requirements, architecture: Architecture, folder: Path) -> None:
    """Unpacks wheels for Amazon Linux 2023 into a folder, each with the digest that the lock file gives.

    Raises:
        PackagingError: a package has no such wheel, or one cannot be fetched.
    """
    folder.mkdir(parents=True)
    listed = folder.with_suffix(".txt")
    listed.write_text("\n".join(requirements.lines))
    run([find_uv(), "pip", "install", *_wheels_for(architecture), "--target", folder, "--requirements", listed])


def _wheels_for(architecture: Architecture) -> Sequence[str]:
    return (
        *("--python", sys.executable),
        *("--python-version", PYTHON),
        *("--python-platform", architecture.wheel_platform),
        *("--only-binary", ":all:"),
        *("--link-mode", "copy"),  # files are stripped in place, which must not reach uv's cache
        "--no-deps",
        "--require-hashes",
        "--no-config",
    )
