"""What modules may import: a cold start pays for every import, and the first bundle comes when there is nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

# boto3 is part of Lambda's runtime, with all that it needs itself.
BOTO3 = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}
OURS = {"functions", "model_store"}

FORBID = """
import sys

class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | set({allowed!r}):
            raise ModuleNotFoundError(f"{{name}} is not there before the first bundle", name=name)

sys.meta_path.insert(0, Forbid())
"""

INSTALL = """
import hashlib, io, os, pathlib, tarfile
os.environ |= {{"MEMORABILITY_STORE": {store!r}, "MEMORABILITY_ARTEFACTS_BUCKET": "artefacts",
               "MEMORABILITY_KEEP_VERSIONS": "2", "AWS_DEFAULT_REGION": "eu-central-1"}}
from functions.publish import handler
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
    archive.addfile(tarfile.TarInfo("jaxlib/__init__.py"))
digest = hashlib.sha256(buffer.getvalue()).hexdigest()
handler.artefacts = type("Objects", (), {{"chunks": lambda self, key, version: [buffer.getvalue()]}})()
def event(key):
    thing = {{"bucket": {{"name": "artefacts"}}, "object": {{"key": key}}}}
    return {{"Records": [{{"eventName": "ObjectCreated:Put", "eventTime": "2026", "s3": thing}}]}}
handler.handle(event(f"runtime/{{digest}}.tar.gz"), None)
assert (pathlib.Path({store!r}) / "runtime" / digest / "jaxlib" / "__init__.py").exists()
try:
    handler.handle(event("models/vitmem/1/manifest.json"), None)
except handler.NoBundleError as error:
    print(error)
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(module: str) -> set[str]:
    """The top-level packages that a module brings along."""
    code = f"import json, sys, {module}; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    names: list[str] = json.loads(run(code))
    return set(names)


def test_a_bundle_is_installed_with_nothing_but_the_standard_library_and_boto3(tmp_path: Path) -> None:
    output = run(FORBID.format(allowed=BOTO3 | OURS) + INSTALL.format(store=str(tmp_path)))
    assert "is not installed: install the bundle that PYTHONPATH names" in output


@pytest.mark.parametrize(
    "module",
    ["functions.score.scorer", "functions.publish.publisher", "functions.publish.bundles", "model_store.items"],
)
def test_the_logic_knows_no_boto3(module: str) -> None:
    assert not imported_by(module) & {"boto3", "botocore", "aws_lambda_powertools"}


@pytest.mark.parametrize("module", ["functions.events", "model_store.uploads", "functions.publish.bundles"])
def test_light_modules_need_the_standard_library_alone(module: str) -> None:
    assert imported_by(module) - sys.stdlib_module_names <= OURS | imported_by("sys")
