"""Every module is formatted, valid and passes its own tests, which try every validation of every variable."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.terraform.workspace import REPOSITORY, Workspace

TERRAFORM = REPOSITORY / "terraform"
FOLDERS = [*(TERRAFORM / "modules").iterdir(), *(TERRAFORM / "examples").iterdir()]
MODULES = [".", *sorted(str(path.relative_to(TERRAFORM)) for path in FOLDERS)]

EXPECTED_FILES = ["README.md", "variables.tf", "outputs.tf", "versions.tf"]

every_module = pytest.mark.parametrize("module", MODULES)


def test_format(workspace: Workspace) -> None:
    workspace.terraform(workspace.root, "fmt", "-check", "-recursive", "-diff")


@every_module
def test_module_is_valid_and_passes_its_tests(module: str, workspace: Workspace) -> None:
    folder = workspace.initialized(workspace.root / module)

    workspace.terraform(folder, "validate", "-no-color")
    report = workspace.terraform(folder, "test", "-no-color")

    assert re.search(r"Success! [1-9]\d* passed, 0 failed", report)


@every_module
def test_module_is_complete(module: str) -> None:
    folder = TERRAFORM / module

    missing = [name for name in EXPECTED_FILES if not (folder / name).is_file()]

    assert not missing
    assert list((folder / "tests").glob("*.tftest.hcl"))


@every_module
def test_every_validation_has_a_rejection(module: str) -> None:
    folder = TERRAFORM / module

    assert not _validations(folder / "variables.tf") - _rejections(folder / "tests")


@every_module
def test_readme_names_every_variable_and_output(module: str) -> None:
    folder = TERRAFORM / module
    names = re.findall(
        r'^(?:variable|output) "(\w+)"',
        (folder / "variables.tf").read_text() + (folder / "outputs.tf").read_text(),
        re.MULTILINE,
    )
    readme = (folder / "README.md").read_text()

    assert not [name for name in names if f"`{name}`" not in readme]


def _validations(variables: Path) -> Counter[str]:
    """How many validations each variable has."""
    blocks = re.split(r'^variable "(\w+)"', variables.read_text(), flags=re.MULTILINE)
    return Counter(
        {name: block.count("\n  validation {") for name, block in zip(blocks[1::2], blocks[2::2], strict=True)}
    )


def _rejections(tests: Path) -> Counter[str]:
    """How many runs, by a name that starts with `reject_`, expect each variable to be refused."""
    runs = [run for file in tests.glob("*.tftest.hcl") for run in re.split(r"^run ", file.read_text(), flags=re.M)]
    rejecting = [run for run in runs if run.startswith('"reject_')]
    return Counter(name for run in rejecting for name in re.findall(r"expect_failures = \[var\.(\w+)\]", run))
