"""A bundle is uploaded once, and the publisher is asked for it and listened to."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.events import object_events
from functions.publish.artefacts import UploadedBundle, find_artefacts
from scripts.install_bundle import Bundle, BundleInstallationError, install_bundle

DIGEST = "ab" * 32


@dataclass
class Account:
    """S3 with one bucket, and Lambda with one function."""

    objects: dict[str, bytes] = field(default_factory=dict)
    called_with: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    forbidden: bool = False
    busy_calls: int = 0

    def head_object(self, Bucket: str, Key: str) -> None:  # noqa: N803 - as boto3 calls it
        if self.forbidden or Key not in self.objects:
            raise ClientError({"Error": {"Code": "403" if self.forbidden else "404"}}, "HeadObject")

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        assert key not in self.objects, "it was uploaded before"
        self.objects[key] = Path(path).read_bytes()

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        if self.busy_calls:
            self.busy_calls -= 1
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        self.called_with.append(json.loads(Payload))
        answer: dict[str, Any] = {"Payload": io.BytesIO(self.error.encode())}
        return answer | ({"FunctionError": "Unhandled"} if self.error else {})


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    archive = tmp_path / "runtime-abab.tar.gz"
    archive.write_bytes(b"dependencies")
    return Bundle(DIGEST, archive)


def install(account: Any, bundle: Bundle) -> None:
    install_bundle(account, account, "artefacts", "acme-publish", bundle)


def test_bundle_is_uploaded_once_and_asked_for_each_time(bundle: Bundle) -> None:
    account = Account()

    install(account, bundle)
    install(account, bundle)

    assert account.objects == {f"runtime/{DIGEST}.tar.gz": b"dependencies"}
    assert len(account.called_with) == 2


def test_publisher_is_asked_as_it_understands(bundle: Bundle) -> None:
    account = Account()

    install(account, bundle)

    (artefact,) = find_artefacts(object_events(account.called_with[0]), "artefacts")
    assert isinstance(artefact, UploadedBundle)
    assert (artefact.digest, artefact.kind) == (DIGEST, "tar.gz")


def test_a_busy_publisher_is_waited_for(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.install_bundle.BUSY_PAUSE_SECONDS", 0)
    account = Account(busy_calls=2)

    install(account, bundle)

    assert len(account.called_with) == 1


def test_a_publisher_that_stays_busy_is_an_error(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.install_bundle.BUSY_PAUSE_SECONDS", 0)
    monkeypatch.setattr("scripts.install_bundle.BUSY_SECONDS", -1)
    with pytest.raises(BundleInstallationError, match="acme-publish was busy"):
        install(Account(busy_calls=2), bundle)


def test_what_the_publisher_complains_of_is_told(bundle: Bundle) -> None:
    with pytest.raises(BundleInstallationError, match=r"acme-publish could not install .*: the volume is full"):
        install(Account(error="the volume is full"), bundle)


def test_a_bucket_that_may_not_be_read_is_an_error(bundle: Bundle) -> None:
    with pytest.raises(ClientError):
        install(Account(forbidden=True), bundle)


def test_bundles_lie_beside_their_manifest(tmp_path: Path) -> None:
    entry = {"digest": DIGEST, "path": "build/lambda/runtime-abab.tar.gz"}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"runtime": entry, "score": {}}))

    assert Bundle.read_all(manifest) == (Bundle(DIGEST, tmp_path / "runtime-abab.tar.gz"),)
