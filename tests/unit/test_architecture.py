"""Which part may import which, and how light the light parts are."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import jax.numpy as jnp
import pytest
from jaxtyping import TypeCheckError

from model_store.models.layers import max_pool

ROOT = Path(__file__).parents[2]

# What no module of a package may import. `model_store` knows nobody; those who know it do not know each other.
FORBIDDEN: Mapping[str, frozenset[str]] = {
    "model_store": frozenset(
        {"memorability", "functions", "gpu_worker", "training", "scripts", "tests", "boto3", "botocore"}
    ),
    "training": frozenset({"memorability", "functions", "gpu_worker", "scripts", "tests", "boto3", "botocore"}),
    "memorability": frozenset({"functions", "gpu_worker", "scripts", "tests", "boto3", "botocore"}),
    "functions": frozenset({"memorability", "gpu_worker", "training", "scripts", "tests"}),
    "gpu_worker": frozenset({"memorability", "functions", "training", "scripts", "tests", "boto3", "botocore"}),
}
# Folders of adapters may import what the rest of their package may not.
ADAPTERS: Mapping[str, frozenset[str]] = {
    f"{package}/aws": frozenset({"boto3", "botocore"}) for package in ("model_store", "memorability", "gpu_worker")
}
LIGHT_MODULES = {
    "model_store": {"jax", "flax", "numpy", "PIL", "boto3", "pydantic"},
    "model_store.images": {"jax", "jaxlib", "flax", "boto3"},
    "model_store.store": {"jax", "jaxlib", "flax", "PIL", "boto3"},
    "model_store.records": {"jax", "jaxlib", "flax", "boto3"},
    "model_store.items": {"jax", "jaxlib", "flax", "boto3"},
    "model_store.heatmap_items": {"jax", "jaxlib", "flax", "boto3"},
    "model_store.heatmaps.jobs": {"jax", "jaxlib", "flax", "boto3"},
    "functions.score.previews": {"jax", "flax", "boto3"},
    "gpu_worker.worker": {"jax", "flax", "boto3"},
    "model_store.runtime.scoring": {"jax", "flax", "boto3", "requests"},
    "model_store.models.registry": {"jax", "flax", "boto3"},
    "memorability.main": {"jax", "flax", "numpy", "PIL", "requests", "jinja2", "pydantic", "boto3"},
    "memorability.batches": {"jax", "jaxlib", "flax", "boto3"},
}


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the top-level name of every import, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module.partition(".")[0]
            case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(module)), *_]):
                yield node.lineno, module.partition(".")[0]


def violations(package: Path, forbidden: frozenset[str]) -> list[str]:
    """One sentence an import that is forbidden in a package."""
    return [
        f"{path.relative_to(package.parent)}:{line} imports {name}"
        for path in sorted(package.rglob("*.py"))
        for line, name in imports(path.read_text(encoding="utf-8"))
        if name in forbidden - ADAPTERS.get(path.parent.relative_to(package.parent).as_posix(), frozenset())
    ]


@pytest.mark.parametrize("package", [name for name in FORBIDDEN if (ROOT / name).is_dir()])
def test_packages_import_only_what_they_may(package: str) -> None:
    assert violations(ROOT / package, FORBIDDEN[package]) == []


def test_the_packages_that_ship_are_checked() -> None:
    assert {name for name in FORBIDDEN if (ROOT / name).is_dir()} >= {"model_store", "memorability"}


def test_a_violation_would_be_found(tmp_path: Path) -> None:
    package = tmp_path / "model_store" / "deep"
    package.mkdir(parents=True)
    (package / "bad.py").write_text(
        "import json, boto3.session\n"
        "from memorability.paths import find_photos\n"
        "from functions_of_mine import x\n"
        "from . import functions\n"
        "if True:\n"
        "    def late():\n"
        "        import gpu_worker as worker\n"
        "        return __import__('functions')\n"
        "TEXT = 'import tests'\n"
    )

    assert violations(tmp_path / "model_store", FORBIDDEN["model_store"]) == [
        "model_store/deep/bad.py:1 imports boto3",
        "model_store/deep/bad.py:2 imports memorability",
        "model_store/deep/bad.py:7 imports gpu_worker",
        "model_store/deep/bad.py:8 imports functions",
    ]


def imported_by(module: str) -> set[str]:
    """Top-level packages that a fresh process has once it has imported a module."""
    program = f"import {module}, sys; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(process.stdout.split())


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_light_modules_stay_light(module: str) -> None:
    assert imported_by(module) & LIGHT_MODULES[module] == set()


def test_a_heavy_module_would_be_found() -> None:
    assert "numpy" in imported_by("model_store.golden")


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(TypeCheckError, match="model_store.models.layers.max_pool"):
        max_pool(jnp.ones((4, 4, 3)))
