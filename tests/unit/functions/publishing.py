"""Uploads of a model, and a publisher over fakes; to be run in processes of their own, too."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.publish.artefacts import UploadedModel
from functions.publish.publisher import Compile, Publisher
from model_store.items import Item
from model_store.runtime.compiling import CompilerCrashError
from model_store.store import Manifest, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE
from tests.unit.functions.fakes import FakeObjects, FakeTable, created
from tests.unit.store.samples import publish, write_executables

type Files = dict[str, bytes]
type Tree = dict[str, bytes]

NAME, VERSION = "vitmem", "2.0"
FOLDER = f"models/{NAME}/{VERSION}/"
WISHES: dict[str, Any] = {"ensemble": "default", "alias": "live"}


def upload_files(scratch: Path, value: float = 2, version: str = VERSION, **wishes: Any) -> dict[str, bytes]:
    """Objects of a model version by key, as somebody uploads them who has a store of his own in `scratch`."""
    store = ModelStore(scratch)
    manifest = publish(store, version, name=NAME, value=value)
    document = json.loads(manifest.model_dump_json()) | wishes
    folder, uploaded_to = store.path(manifest.ref), f"models/{NAME}/{version}/"
    files = {uploaded_to + name: (folder / name).read_bytes() for name in manifest.files}
    return files | {uploaded_to + MANIFEST_FILE: json.dumps(document).encode()}


def changed_manifest(files: Mapping[str, bytes], **changes: Any) -> dict[str, bytes]:
    """The same upload with another manifest; a change to None takes the field away."""
    document = json.loads(files[FOLDER + MANIFEST_FILE]) | changes
    kept = {name: value for name, value in document.items() if value is not None}
    return {**files, FOLDER + MANIFEST_FILE: json.dumps(kept).encode()}


def uploaded(order: str = "1", version: str = VERSION) -> UploadedModel:
    """The event that says so."""
    key = f"models/{NAME}/{version}/{MANIFEST_FILE}"
    return UploadedModel(NAME, version, created(key, bucket="artefacts", order=order))


def compile_quickly(folder: Path, manifest: Manifest) -> None:
    """Stands in for the compiler."""
    write_executables(folder / COMPILED_FOLDER / "avx2", manifest.ref)


def publisher(
    root: Path,
    files: dict[str, bytes] | FakeObjects,
    table: FakeTable | None = None,
    compile_version: Compile = compile_quickly,
    keep: int = 9,
) -> Publisher:
    """A publisher into the store at `root`."""
    objects = files if isinstance(files, FakeObjects) else FakeObjects(files)
    return Publisher(objects, table or FakeTable(), ModelStore(root), compile_version, keep)


def publish_upload(root: Path) -> None:
    """Publishes what lies in the folder beside the store, as one call of the function does."""
    folder = root.with_name("upload")
    files = {
        FOLDER + path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    publisher(root, files).publish(uploaded())


def tree(root: Path) -> Tree:
    """Every file that a reader of the store can see."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def record(table: FakeTable, version: str = "2.0") -> Item:
    return table.items["PUBLICATION#vitmem", version]


def crash(_folder: Path, manifest: Manifest) -> None:
    raise CompilerCrashError(f"compiling {manifest.ref} for AVX2 ended with -9")
