"""The published model versions: which there are, which is newest, and what each says about itself."""

import re
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion
from packaging.version import Version as ReleaseVersion

from model_store.store.errors import CorruptModelError, NotFoundError, StoreError
from model_store.store.layout import MANIFEST_FILE, StoreLayout, folder_names
from model_store.store.manifest import Manifest, read_document
from model_store.store.references import Ref


@dataclass(frozen=True)
class Listing[Document]:
    """What the store holds, oldest version first, and a sentence for each version that cannot be read."""

    items: tuple[Document, ...]
    problems: tuple[str, ...]


def list_models(layout: StoreLayout) -> Listing[Manifest]:
    """Read every model version's manifest; a broken one becomes a problem and hides no other."""
    manifests: list[Manifest] = []
    problems: list[str] = []
    for name in folder_names(layout.models):
        for version in list_versions(layout, name):
            try:
                manifests.append(read_manifest(layout, Ref(name, version)))
            except StoreError as error:
                problems.append(str(error))
    return Listing(tuple(manifests), tuple(problems))


def list_versions(layout: StoreLayout, name: str) -> list[str]:
    """Return the versions a model has a folder for, broken ones too, oldest first."""
    return sorted(folder_names(layout.models / name), key=version_order)


def version_order(version: str) -> tuple[bool, Any]:
    """Return a sort key: releases by the rules of PEP 440, after all others, which sort naturally."""
    try:
        return True, (ReleaseVersion(version), version)
    except InvalidVersion:
        # The odd parts of this split are always the numbers, so that keys compare part by part.
        return False, [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", version)]


def read_manifest(layout: StoreLayout, ref: Ref) -> Manifest:
    """Read the manifest of a pinned version.

    Raises:
        NotFoundError: the store has no such version.
        CorruptModelError: its manifest is missing, invalid, or another version's.
    """
    folder = layout.model_version(ref)
    if not folder.is_dir():
        raise _not_found(layout, ref)
    try:
        manifest = read_document(Manifest, folder / MANIFEST_FILE)
    except FileNotFoundError:
        raise CorruptModelError(f"{folder} has no {MANIFEST_FILE}: it was never published whole.") from None
    if manifest.ref != str(ref):
        raise CorruptModelError(f"{folder / MANIFEST_FILE} is the manifest of {manifest.ref}, not of {ref}.")
    return manifest


def resolve(layout: StoreLayout, ref: Ref) -> Manifest:
    """Return the manifest of `ref`, or of the newest version that has a valid one when `ref` is a bare name.

    Raises:
        NotFoundError: the store has no such model or version.
        CorruptModelError: no version asked for has a valid manifest.
    """
    if ref.version is not None:
        return read_manifest(layout, ref)
    newest_fault: StoreError | None = None
    for version in reversed(list_versions(layout, ref.name)):
        try:
            return read_manifest(layout, Ref(ref.name, version))
        except StoreError as error:
            newest_fault = newest_fault or error
    raise newest_fault or _not_found(layout, ref)


def _not_found(layout: StoreLayout, ref: Ref) -> NotFoundError:
    names = folder_names(layout.models)
    known = [f"{name}@{version}" for name in names for version in list_versions(layout, name)]
    return NotFoundError(
        f"There is no model {ref} in {layout.root}, which holds {', '.join(known) or 'no models'}; "
        f"get it with `memorability models pull {ref.name}` or `memorability models import {ref.name} FILE`."
    )
