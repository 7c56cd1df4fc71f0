"""A version is uploaded with its manifest last, and the publisher's word on this very upload is waited for."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memorability.batches import Clock
from memorability.publishing import (
    SERVED_LIVE,
    Destination,
    KeptPublication,
    PublicationError,
    Wishes,
    publish_version,
    require_trunks,
)
from model_store.publications import InvalidRequestError, Publication, PublicationStatus
from model_store.store import ModelStore

PUBLISHED, REFUSED, INTERRUPTED = PublicationStatus


def said(status: PublicationStatus, object_version: str = "v1", error: str | None = None) -> KeptPublication:
    return KeptPublication(Publication(status, error=error), object_version)


@dataclass
class Account:
    """A bucket, and a table in which the publisher says one thing after the other."""

    says: list[KeptPublication | None]
    keeps_versions: bool = True
    uploaded: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def upload(self, key: str, file: Path, on_bytes: Callable[[int], None]) -> None:
        self.uploaded[key] = file.read_bytes()
        on_bytes(len(self.uploaded[key]))

    def put(self, key: str, body: bytes) -> str | None:
        self.uploaded[key] = body
        return "v1" if self.keeps_versions else None

    def publication(self, name: str, version: str) -> KeptPublication | None:
        self.asked.append(f"{name}@{version}")
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]


@dataclass
class Time:
    seconds: float = 0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def publish(
    store: ModelStore, account: Account, wishes: Wishes = SERVED_LIVE, steps: list[str] | None = None
) -> Publication:
    time = Time()
    destination = Destination(account, account, Clock(lambda: time.seconds, time.sleep))
    told = [] if steps is None else steps
    return publish_version(destination, store, "first", wishes, lambda *step: told.append(" ".join(map(str, step))))


def test_the_manifest_comes_last_and_carries_the_wishes(store: ModelStore) -> None:
    account, steps = Account([said(PUBLISHED)]), list[str]()

    publish(store, account, Wishes("spring", "next"), steps)

    *_, last = account.uploaded
    assert last == "models/first/1/manifest.json"
    manifest = json.loads(account.uploaded[last])
    assert (manifest["ensemble"], manifest["alias"]) == ("spring", "next")
    assert set(account.uploaded) == {last, *(f"models/first/1/{name}" for name in manifest["files"])}
    total = sum(digest["bytes"] for digest in manifest["files"].values())
    assert f"Uploading first@1 {total} {total}" in steps


def test_word_on_this_upload_is_waited_for(store: ModelStore) -> None:
    interrupted = said(INTERRUPTED, error="the volume is away")
    account, steps = Account([None, said(PUBLISHED, "v0"), interrupted, said(PUBLISHED)]), list[str]()

    assert publish(store, account, steps=steps) == Publication(PUBLISHED)
    assert account.asked == ["first@1"] * 4
    assert "It was interrupted (the volume is away), and is tried again 0 None" in steps


def test_a_refusal_says_why(store: ModelStore) -> None:
    with pytest.raises(PublicationError, match=r"first@1 was refused: a digest is wrong"):
        publish(store, Account([said(REFUSED, error="a digest is wrong")]))


def test_silence_ends(store: ModelStore) -> None:
    with pytest.raises(PublicationError, match=r"did not settle first@1 within 900 s: .* the last thing it said: .*v0"):
        publish(store, Account([said(PUBLISHED, "v0")]))


def test_a_bucket_without_versions_is_refused(store: ModelStore) -> None:
    with pytest.raises(PublicationError, match="turn its versioning on"):
        publish(store, Account([said(PUBLISHED)], keeps_versions=False))


def test_wishes_that_cannot_be_had_are_refused_before_the_upload(store: ModelStore) -> None:
    account = Account([said(PUBLISHED)])
    with pytest.raises(InvalidRequestError, match="cannot both be called live"):
        publish(store, account, Wishes("live", "live"))
    assert not account.uploaded


@pytest.mark.parametrize("kept", [None, said(REFUSED), said(INTERRUPTED)])
def test_heads_need_their_trunk_in_the_deployment(store: ModelStore, kept: KeptPublication | None) -> None:
    heads = store.manifest("second").model_copy(update={"trunks": ("first@1",)})
    account = Account([kept])
    with pytest.raises(PublicationError, match=r"the features of first@1, .* `memorability models publish first@1 --d"):
        require_trunks(Destination(account, account), heads)

    there = Account([said(PUBLISHED)])
    require_trunks(Destination(there, there), heads)
    assert there.asked == ["first@1"]
