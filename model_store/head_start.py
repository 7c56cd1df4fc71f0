"""Begins to read and hash the files of an ensemble while the rest of a process is still being imported.

Imports keep one core busy for a third of a cold start; reading keeps the network, and hashing another core. Therefore
nothing but the standard library is imported here. Nothing is decided here either: the loader, which checks every file,
finds its digest computed already. Whatever is amiss is left to the loader, and to its messages.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

# Few and large: after each piece the thread waits up to 5 ms for the interpreter, which is busy importing.
_READ_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class _Begun:
    """A file that is being hashed, as it was when that began."""

    state: tuple[int, int, int]
    digest: Future[str] = field(default_factory=Future)


_begun: dict[Path, _Begun] = {}


def begin(store: Path, alias: str) -> None:
    """Hashes, in a thread, every file of the models behind an alias.

    Args:
        store: the store's folder.
        alias: the alias; anything else, and an alias that cannot be followed, is passed over.
    """
    files: dict[Path, _Begun] = {}
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        files = {path: _Begun(_state(path)) for path in _files(store, alias)}
    _begun.update(files)
    Thread(target=_hash_all, args=(files,), daemon=True).start()


def take_digest(path: Path) -> str | None:
    """The SHA-256 of a file that `begin` was asked for, once; None if it was not, or the file has changed since."""
    begun = _begun.pop(path, None)
    with suppress(Exception):
        if begun and begun.state == _state(path):
            return begun.digest.result()
    return None


def _files(store: Path, alias: str) -> Iterator[Path]:
    """Paths as `model_store.store.layout` has them, in the order in which models are loaded."""
    name, version = (store / "aliases" / alias).read_text().strip().split("@")
    measures = json.loads((store / "ensembles" / name / f"{version}.json").read_bytes())["measures"].values()
    members = [member for measure in measures for member in measure["members"]]
    manifests = {member: _manifest(store, member) for member in members}
    trunks = [trunk for manifest in manifests.values() for trunk in manifest.get("trunks", ())]
    manifests = {trunk: _manifest(store, trunk) for trunk in trunks} | manifests
    for model, manifest in manifests.items():
        yield from (_folder(store, model) / file for file in manifest["files"])


def _manifest(store: Path, model: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((_folder(store, model) / "manifest.json").read_bytes())
    return manifest


def _folder(store: Path, model: str) -> Path:
    return store / "models" / Path(*model.split("@"))


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _hash_all(files: dict[Path, _Begun]) -> None:
    for path, begun in files.items():
        try:
            begun.digest.set_result(_sha256(path))
        except Exception as error:  # whoever waits must not wait for ever
            begun.digest.set_exception(error)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()
