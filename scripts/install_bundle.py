"""Puts the dependencies of functions, and the heatmap workers' bundle where it is packaged, on a deployment's volume.

    python -m scripts.install_bundle --artefacts-bucket B --function PREFIX-publish [--packages FILE]

Each archive goes to the artefacts bucket, and the publisher is asked to install it; the command ends when it is there.
Doing so again does no harm. Region, credentials and endpoint come from the environment, as with the AWS CLI.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from model_store.errors import MemorabilityError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BUNDLES = ("runtime", "worker_runtime")  # in the manifest
_ARCHIVE_SUFFIXES = (".tar.gz", ".zip")
BUSY_SECONDS = 900.0  # the longest that a function, and so a publication, may take
BUSY_PAUSE_SECONDS = 5.0
_LAMBDA_CONFIG = Config(read_timeout=900, retries={"total_max_attempts": 1})  # the longest that a function may take


class BundleInstallationError(MemorabilityError):
    """The publisher could not install the bundle; the message holds what it said."""


@dataclass(frozen=True)
class Bundle:
    """An archive of dependencies; `digest` is its SHA-256."""

    digest: str
    path: Path

    @classmethod
    def read_all(cls, packages_file: Path) -> tuple[Self, ...]:
        """The bundles that a manifest of packages names, the functions' first; they lie beside the manifest."""
        packages = json.loads(packages_file.read_text())
        entries = [packages[name] for name in _BUNDLES if name in packages]
        return tuple(cls(entry["digest"], packages_file.parent / Path(entry["path"]).name) for entry in entries)

    @property
    def key(self) -> str:
        """Where it lies in the artefacts bucket."""
        suffix = next(suffix for suffix in _ARCHIVE_SUFFIXES if self.path.name.endswith(suffix))
        return f"runtime/{self.digest}{suffix}"


def install_bundle(s3: "S3Client", lambda_: Any, bucket: str, function: str, bundle: Bundle) -> None:
    """Uploads a bundle, unless it is there, and waits until the publisher says that it is installed.

    Args:
        s3: a client.
        lambda_: a client that waits as long as a function may take.
        bucket: the artefacts bucket.
        function: the publisher's name.
        bundle: what is to be installed.

    Raises:
        BundleInstallationError: the publisher failed.
    """
    if not _is_uploaded(s3, bucket, bundle.key):
        s3.upload_file(str(bundle.path), bucket, bundle.key)
    answer = _invoke(lambda_, function, _notification(bucket, bundle.key))
    if "FunctionError" in answer:
        raise BundleInstallationError(f"{function} could not install {bundle.key}: {answer['Payload'].read().decode()}")


def _invoke(lambda_: Any, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Calls the publisher; waits while another publication has the only place that its concurrency leaves."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            answer: dict[str, Any] = lambda_.invoke(FunctionName=function, Payload=json.dumps(event))
            return answer
        except ClientError as error:
            if error.response["Error"]["Code"] != "TooManyRequestsException":
                raise
            if time.monotonic() > deadline:
                raise BundleInstallationError(
                    f"{function} was busy for {BUSY_SECONDS:.0f} s; wait until its publication is over, and try again"
                ) from error
            time.sleep(BUSY_PAUSE_SECONDS)


def _is_uploaded(s3: "S3Client", bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            return False
        raise
    return True


def _notification(bucket: str, key: str) -> dict[str, Any]:
    """What S3 told the publisher when the object was put. Unlike S3, who asks for it here gets an answer."""
    stored = {"bucket": {"name": bucket}, "object": {"key": key}}
    now = datetime.now(UTC).isoformat()
    return {"Records": [{"eventName": "ObjectCreated:Put", "eventTime": now, "s3": stored}]}


def main() -> int:
    """Installs the bundles and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artefacts-bucket", required=True)
    parser.add_argument("--function", required=True, help="the publisher's name")
    parser.add_argument("--packages", type=Path, default=Path("build/lambda/manifest.json"))
    arguments = parser.parse_args()
    s3, lambda_ = boto3.client("s3"), boto3.client("lambda", config=_LAMBDA_CONFIG)
    for bundle in Bundle.read_all(arguments.packages):
        try:
            install_bundle(s3, lambda_, arguments.artefacts_bucket, arguments.function, bundle)
        except BundleInstallationError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"installed {bundle.key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
