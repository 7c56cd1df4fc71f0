"""What the Terraform tests share. Nothing here calls AWS: the provider is a mock."""

import shutil
from pathlib import Path

import pytest

from tests.terraform.plan import Plan, read_plans
from tests.terraform.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of the Terraform code, for this run of the tests alone."""
    if not shutil.which("terraform"):
        pytest.fail("terraform is not on the PATH; CONTRIBUTING.md says how to get it")
    return Workspace.copy(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def root(workspace: Workspace) -> Path:
    """The root module, with its provider."""
    return workspace.initialized(workspace.root)


@pytest.fixture(scope="session")
def plans(workspace: Workspace, root: Path) -> dict[str, Plan]:
    """The plans of `terraform/tests/wiring.tftest.hcl` by the name of their run."""
    return read_plans(workspace.terraform(root, "test", "-filter=tests/wiring.tftest.hcl", "-json", "-verbose"))


@pytest.fixture(scope="session")
def queued(plans: dict[str, Plan]) -> Plan:
    """Everything switched on, uploads through the queue."""
    return plans["everything_through_the_queue"]


@pytest.fixture(scope="session")
def direct(plans: dict[str, Plan]) -> Plan:
    """Everything switched on, uploads straight to the scorer."""
    return plans["everything_directly"]
