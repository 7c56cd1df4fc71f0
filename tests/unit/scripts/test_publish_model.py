"""A version is uploaded with its manifest last, and the publisher's word on this very upload is waited for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from model_store.store import ModelStore
from scripts.publish_model import PublicationError, Wishes, publish_model

type Item = dict[str, dict[str, str]]


def said(status: str, version: str = "v1", **more: dict[str, str]) -> Item:
    return {"status": {"S": status}, "object_version": {"S": version}, "error": {"NULL": "true"}} | more


@dataclass
class Account:
    """S3 with one bucket, and a table in which the publisher says one thing after the other."""

    says: list[Item | None]
    uploaded: dict[str, bytes] = field(default_factory=dict)

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.uploaded[key] = Path(path).read_bytes()

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803 - as boto3 calls it
        self.uploaded[Key] = Body
        return {"VersionId": "v1"}

    def get_item(self, **_asked: object) -> dict[str, Item]:
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        return {"Item": said} if said else {}


@pytest.fixture
def publish(store: ModelStore) -> Callable[..., Item]:
    def publish(account: Any, **more: Any) -> Item:
        return publish_model(account, account, "artefacts", "results", store, "first@1", **more)

    return publish


def test_manifest_comes_last_and_carries_the_wishes(publish: Callable[..., Item]) -> None:
    account = Account([said("published")])

    publish(account, wishes=Wishes(ensemble="spring", alias="next"))

    *_, last = account.uploaded
    assert last.endswith("/manifest.json")
    manifest = json.loads(account.uploaded[last])
    assert (manifest["ensemble"], manifest["alias"]) == ("spring", "next")
    folder = last.removesuffix("manifest.json")
    assert set(account.uploaded) == {last, *(folder + name for name in manifest["files"])}


def test_word_on_this_upload_is_waited_for(publish: Callable[..., Item]) -> None:
    account = Account([None, said("published", "v0"), said("interrupted"), said("published")])

    assert publish(account) == said("published")


def test_refusal_says_why(publish: Callable[..., Item]) -> None:
    account = Account([said("refused", error={"S": "a digest is wrong"})])

    with pytest.raises(PublicationError, match=r"was refused: a digest is wrong"):
        publish(account)


def test_silence_ends(publish: Callable[..., Item]) -> None:
    with pytest.raises(PublicationError, match=r"did not settle .* the last thing it said: .*v0"):
        publish(Account([said("published", "v0")]), timeout_seconds=0.01)
