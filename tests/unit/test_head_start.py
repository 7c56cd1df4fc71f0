"""Files that are hashed ahead: the same digest, only for whoever would have computed it, and never a stale one."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from model_store import head_start
from model_store.store import ModelStore
from model_store.store.hashing import sha256_file
from model_store.store.layout import PARAMETERS_FILE


def test_every_model_behind_an_alias_is_hashed_once(store: ModelStore) -> None:
    head_start.begin(store.root, "live")

    for model in ("first", "second", "alarms"):
        path = store.path(model) / PARAMETERS_FILE
        assert head_start.take_digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()
        assert head_start.take_digest(path) is None
    assert head_start.take_digest(store.path("small") / PARAMETERS_FILE) is None


def test_the_loader_takes_what_is_there(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.path("first") / PARAMETERS_FILE
    monkeypatch.setattr(head_start, "take_digest", {path: "f" * 64}.get)

    assert sha256_file(path) == "f" * 64
    assert sha256_file(store.path("second") / PARAMETERS_FILE) != "f" * 64


def test_a_file_that_changed_since_is_hashed_anew(store: ModelStore) -> None:
    path = store.path("first") / PARAMETERS_FILE
    head_start.begin(store.root, "live")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(0, 0))

    assert head_start.take_digest(path) is None
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


def break_nothing(store: Path) -> None:
    """The alias alone is unknown."""


def break_the_alias(store: Path) -> None:
    (store / "aliases" / "live").write_bytes(b"\xff")


def break_the_ensemble(store: Path) -> None:
    next((store / "ensembles").rglob("*.json")).write_text(json.dumps({"measures": ["first@1"]}))


def lose_a_manifest(store: Path) -> None:
    (store / "models" / "first" / "1" / "manifest.json").unlink()


def lose_the_parameters(store: Path) -> None:
    (store / "models" / "first" / "1" / PARAMETERS_FILE).unlink()


@pytest.mark.parametrize(
    "damage", [break_nothing, break_the_alias, break_the_ensemble, lose_a_manifest, lose_the_parameters]
)
def test_whatever_is_amiss_is_left_to_the_loader(store: ModelStore, damage: object) -> None:
    path = store.path("first") / PARAMETERS_FILE
    assert callable(damage)
    damage(store.root)

    head_start.begin(store.root, "nobody" if damage is break_nothing else "live")

    assert head_start.take_digest(path) is None
