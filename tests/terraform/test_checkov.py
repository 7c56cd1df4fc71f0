"""Checkov finds nothing; what it is told to pass over has its reason beside it in the code."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.packaging.tools import ensure_environment
from tests.terraform.workspace import REPOSITORY

TERRAFORM = REPOSITORY / "terraform"
ENVIRONMENT = REPOSITORY / "build" / "checkov"  # its requirements would meet the project's own
VERSION = "3.3.30"
PYTHON = "3.13"

# "#checkov:skip=CHECK:reason"
SKIP = re.compile(r"checkov:skip=(\w+)(?::(.*))?$", re.MULTILINE)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    programs = ensure_environment(ENVIRONMENT, [f"checkov=={VERSION}"], PYTHON)
    options = ["--framework", "terraform", "--skip-download", "--quiet", "--compact", "--output", "json"]
    # `skip-download` keeps it from asking its maker's service: it runs without a network.
    command: list[str | Path] = [programs / "python", programs / "checkov", "--directory", TERRAFORM, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.startswith("{"), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_no_check_fails(report: dict[str, Any]) -> None:
    failed = [
        f"{check['check_id']} {check['resource']} {check['file_path']}: {check['check_name']}"
        for check in report["results"]["failed_checks"]
    ]

    assert not failed
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 500


def test_every_skip_says_why() -> None:
    skips = {path: SKIP.findall(path.read_text()) for path in TERRAFORM.rglob("*.tf")}

    assert sum(map(len, skips.values())) > 20
    assert not [(path, check) for path, found in skips.items() for check, reason in found if len(reason.split()) < 2]
