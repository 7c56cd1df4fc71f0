"""Publishing a model version: all of it or nothing."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from model_store.store.atomic import (
    discard,
    exclusive_lock,
    make_folder,
    new_staging_path,
    rename,
    sweep,
    sync_tree,
    write_file,
)
from model_store.store.compiled import INDEX_FILE, find_compiled_problems, find_target_problems
from model_store.store.errors import AlreadyPublishedError, CorruptModelError, explain_os_errors
from model_store.store.layout import COMPILED_FOLDER, LOCK_FILE, MANIFEST_FILE, StoreLayout, folder_names
from model_store.store.manifest import Manifest, ModelDescription, describe_faults, to_json
from model_store.store.references import Ref
from model_store.store.verification import digest_files, find_problems
from model_store.store.versions import read_manifest

Check = Callable[[Path, Manifest], None]
"""Tries a version before it is published, given its folder; whatever it raises stops the publishing."""


@dataclass(frozen=True)
class Draft:
    """A version being written: fill the folder `path`, then commit. Nobody sees it before that."""

    path: Path
    ref: Ref
    layout: StoreLayout

    def commit(self, description: ModelDescription, *, check: Check) -> Manifest:
        """Publish what lies in the folder.

        Content that is already published is not published twice: the manifest in the store is returned. A
        published version that no longer verifies is put right by this one.

        Args:
            description: What the manifest will say beside name, version and files.
            check: Loads the version and tries its golden cases. It may add executables under `compiled/`.

        Raises:
            AlreadyPublishedError: the version exists with other content.
            CorruptModelError: the folder holds nothing, links, special files, or a file with an unfit name.
            StoreError: the volume cannot be written.
        """
        with explain_os_errors(self.layout.root):
            manifest = self._describe(description)
            published = find_published(self.layout, manifest)
        if published:
            return published
        check(self.path, manifest)
        with explain_os_errors(self.layout.root):
            self._publish(manifest)
        return manifest

    def _describe(self, description: ModelDescription) -> Manifest:
        files = digest_files(self.path)
        fields = {name: getattr(description, name) for name in ModelDescription.model_fields}
        try:
            return Manifest(name=self.ref.name, version=str(self.ref.version), files=files, **fields)
        except ValidationError as error:
            raise CorruptModelError(f"{self.path} cannot be published: {describe_faults(error)}.") from error

    def _publish(self, manifest: Manifest) -> None:
        write_file(self.path / MANIFEST_FILE, to_json(manifest))
        sync_tree(self.path)
        target = self.layout.model_version(self.ref)
        if target.exists():
            discard(target)
        rename(self.path, target)


def find_published(layout: StoreLayout, manifest: Manifest) -> Manifest | None:
    """Return a version as it is published, or None if it is not or is damaged.

    Raises:
        AlreadyPublishedError: the version exists with other content than `manifest` says.
    """
    ref = Ref.parse(manifest.ref)
    folder = layout.model_version(ref)
    if not folder.exists():
        return None
    try:
        published = read_manifest(layout, ref)
    except CorruptModelError:
        return None
    problems = [*find_problems(folder, published), *find_compiled_problems(folder)]
    if problems and published.files == manifest.files:
        return None  # these very files put it right, whatever else is said of them today
    if differences := published.differences(manifest):
        raise AlreadyPublishedError(
            f"{ref} is published already, with other {', '.join(differences)}; "
            "published versions never change: give this one a new version."
        )
    return None if problems else published


@contextmanager
def open_draft(layout: StoreLayout, ref: Ref, lock_timeout_seconds: float) -> Iterator[Draft]:
    """Hold the model's lock and give a draft of `ref`; leaving without a commit drops it.

    Raises:
        InUseError: another process is still publishing this model after `lock_timeout_seconds`.
        StoreError: the volume cannot be written.
    """
    folder = layout.models / ref.name
    draft = Draft(new_staging_path(folder), ref, layout)
    with ExitStack() as held:
        with explain_os_errors(layout.root):
            make_folder(folder)
            held.enter_context(model_lock(layout, ref.name, lock_timeout_seconds))
            sweep(folder)
            draft.path.mkdir()
        try:
            yield draft
        finally:
            with explain_os_errors(layout.root):
                if draft.path.exists():
                    discard(draft.path)


def add_executables(layout: StoreLayout, ref: Ref, compile_version: Check, lock_timeout_seconds: float) -> None:
    """Give a published version executables, or others; none of them is visible before all of them passed.

    Raises:
        InUseError: another process is still publishing this model after `lock_timeout_seconds`.
    """
    folder = layout.model_version(ref)
    with open_draft(layout, ref, lock_timeout_seconds) as draft:
        with explain_os_errors(layout.root):
            shutil.copytree(folder, draft.path, copy_function=os.link, dirs_exist_ok=True)
        compile_version(draft.path, read_manifest(layout, ref))
        with explain_os_errors(layout.root):
            make_folder(folder / COMPILED_FOLDER)
            for target in folder_names(draft.path / COMPILED_FOLDER):
                _replace_target(draft.path / COMPILED_FOLDER / target, folder / COMPILED_FOLDER / target)


def _replace_target(made: Path, served: Path) -> None:
    if served.exists():
        if not find_target_problems(served) and (made / INDEX_FILE).read_bytes() == (served / INDEX_FILE).read_bytes():
            return
        discard(served)
    rename(made, served)


def model_lock(layout: StoreLayout, name: str, timeout_seconds: float) -> AbstractContextManager[None]:
    """Lock a model's folder, which exists, against other publishers and removers."""
    return exclusive_lock(layout.models / name / LOCK_FILE, f"the model {name}", timeout_seconds)
