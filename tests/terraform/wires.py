"""The ends of the wires that the tests of a plan follow."""

import json

import pytest

from tests.terraform.plan import Plan, Values
from tests.terraform.workspace import REPOSITORY

MANIFEST = json.loads((REPOSITORY / "terraform/tests/fixtures/functions_and_api/manifest.json").read_text())
RUNTIME_PATH = f"/mnt/store/runtime/{MANIFEST['runtime']['digest']}"
PUBLISHER = "publish"
FUNCTIONS = ["score", "publish", "api"]

UPLOADS = "module.image_intake.module.uploads"
HEATMAPS = "module.results.module.heatmaps"
JOBS = "module.heatmap_workers[0].module.jobs"

every_function = pytest.mark.parametrize("name", FUNCTIONS)


def function(plan: Plan, name: str) -> Values:
    """The function of that purpose."""
    return plan.only("aws_lambda_function", function_name=f"demo-{name}")


def environment(plan: Plan, name: str) -> dict[str, str]:
    """Its environment."""
    variables: dict[str, str] = function(plan, name)["environment"][0]["variables"]
    return variables


def access_point(plan: Plan, name: str) -> Values:
    """The access point that a function should mount."""
    return plan["module.model_volume.aws_efs_access_point." + ("publisher" if name == PUBLISHER else "reader")]


def condition(statement: Values, variable: str) -> list[str] | None:
    """The sorted values that a statement asks of a variable; nothing where it asks none."""
    values: list[list[str]] = [found["values"] for found in statement["condition"] if found["variable"] == variable]
    return sorted(values[0]) if values else None
