"""The platform in an AWS account: `make plan`, `make deploy`, `make destroy`.

    python -m scripts.deployment plan | deploy | destroy
        [--settings deployments/default] [--architecture x86_64|arm64] [--model resmem] [--store build/store]
        [--photo FILE] [--approve]

The folder of settings holds `backend.hcl`, where Terraform's state is kept, and `variables.tfvars`.

`deploy` applies the Terraform code, installs the functions' dependencies, publishes the model and tries it all with
a photo. Region and credentials come from the environment, as with the AWS CLI.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from model_store.errors import MemorabilityError
from model_store.store import ModelStore
from scripts.deployment.account import AwsAccount
from scripts.deployment.errors import DeploymentError
from scripts.deployment.steps import Release, deploy, destroy, smoke_test
from scripts.deployment.terraform import SystemShell, Terraform
from scripts.install_bundle import Bundle
from scripts.packaging.architecture import Architecture
from scripts.packaging.dependencies import ROOT

PACKAGES_FILE = ROOT / "build" / "lambda" / "manifest.json"
DEPLOYMENT_FILE = ROOT / "build" / "deployment.json"
PHOTO = ROOT / "build" / "demo" / "photos" / "rocket.jpg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what was asked for and returns the exit code."""
    options = _parser().parse_args(arguments)
    terraform = Terraform(SystemShell(), options.settings, PACKAGES_FILE, options.architecture)
    try:
        _require_packages()  # Terraform checks that variable whatever it does
        match options.action:
            case "plan":
                terraform.init()
                terraform.plan()
            case "deploy":
                _deploy(terraform, options)
            case "destroy":
                destroy(terraform, DEPLOYMENT_FILE, input, _report)
    except MemorabilityError as error:
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"AWS does not do what is asked of it: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["plan", "deploy", "destroy"])
    parser.add_argument("--settings", type=Path, default=ROOT / "deployments" / "default", help="the deployment's")
    parser.add_argument("--architecture", type=Architecture, choices=list(Architecture), default=Architecture.X86_64)
    parser.add_argument("--model", default="resmem", help="published where it was not before")
    parser.add_argument("--store", type=Path, default=Path(os.environ.get("MEMORABILITY_STORE") or "build/store"))
    parser.add_argument("--photo", type=Path, default=PHOTO, help="what the deployment is tried with")
    parser.add_argument("--approve", action="store_true", help="apply without asking")
    return parser


def _require_packages() -> None:
    if not PACKAGES_FILE.is_file():
        raise DeploymentError(f"{PACKAGES_FILE} is missing: run `make package-lambdas`.")


def _deploy(terraform: Terraform, options: argparse.Namespace) -> None:
    account = AwsAccount()
    release = Release(Bundle.read_all(PACKAGES_FILE), ModelStore(options.store), options.model)
    deployment = deploy(terraform, account, release, DEPLOYMENT_FILE, _report, approved=options.approve)
    _report(f"Trying it with {options.photo.name}")
    trial = smoke_test(account, deployment, options.photo)
    print(trial.record.to_json())
    if trial.record.status == "failed":
        raise DeploymentError("The deployment answers, but could not score this photo.")
    print(f"{options.photo.name} was scored {trial.seconds:.1f} s after its upload began.\nwrote {DEPLOYMENT_FILE}")


def _report(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
