"""The store as its users see it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Concatenate, final

from model_store.store.aliases import delete_alias, list_aliases, write_alias
from model_store.store.atomic import exclusive_lock, make_folder
from model_store.store.compiled import find_compiled_problems
from model_store.store.drafts import Check, Draft, add_executables, find_published, model_lock, open_draft
from model_store.store.ensembles import join_ensemble, list_ensembles, publish_ensemble, resolve_ensemble
from model_store.store.errors import CorruptModelError, NotFoundError, explain_os_errors
from model_store.store.hashing import Progress
from model_store.store.layout import LOCK_FILE, StoreLayout, folder_names
from model_store.store.manifest import Ensemble, EnsembleMeasure, Manifest, Measure, ReferenceDistribution
from model_store.store.references import Ref
from model_store.store.removal import members_in_use, prune_model, remove_model
from model_store.store.verification import find_problems
from model_store.store.versions import Listing, list_models, resolve

LOCK_TIMEOUT_SECONDS = 120.0  # a publisher that waits longer is told who is in its way, and tries again


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _explained[**Arguments, Result](
    method: Callable[Concatenate["ModelStore", Arguments], Result],
) -> Callable[Concatenate["ModelStore", Arguments], Result]:
    @wraps(method)
    def explained(self: "ModelStore", /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with explain_os_errors(self.root):
            return method(self, *args, **kwargs)

    return explained


@final
class ModelStore:
    """Models, ensembles and aliases in the folder `root`.

    Reading never writes, so that a read-only mount will do, and needs no lock: readers see every change whole
    or not at all. Changes exclude each other, between threads, processes and clients of a network volume. A
    folder that does not exist is an empty store. Every method raises `StoreError` when the volume cannot be
    used. A reference is `name`, which means the newest version, or `name@version`.
    """

    def __init__(
        self,
        root: Path,
        *,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Name the store; nothing is read or made.

        Args:
            root: The store's folder.
            lock_timeout_seconds: How long a change waits for another one before it raises `InUseError`.
            clock: Tells the time that ensembles are stamped with.
        """
        self._layout = StoreLayout(root)
        self._lock_timeout_seconds = lock_timeout_seconds
        self._clock = clock

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self._layout.root

    @_explained
    def models(self) -> Listing[Manifest]:
        """Return the manifest of every model version, oldest first, and a sentence for each broken one."""
        return list_models(self._layout)

    @_explained
    def manifest(self, ref: str | Ref) -> Manifest:
        """Return a version's manifest; for a bare name that of the newest version whose manifest is valid.

        Raises:
            NotFoundError: the store has no such model or version.
            CorruptModelError: the manifest is missing or invalid.
        """
        return resolve(self._layout, _parse(ref))

    def resolve(self, ref: str | Ref) -> Ref:
        """Return the pinned reference that `ref` means now; raises as `manifest` does."""
        return Ref.parse(self.manifest(ref).ref)

    def path(self, ref: str | Ref) -> Path:
        """Return the folder of a version; raises as `manifest` does."""
        return self._layout.model_version(self.resolve(ref))

    @_explained
    def verify(self, ref: str | Ref, progress: Progress | None = None) -> Manifest:
        """Read every file of a version and compare it with the manifest, which is returned.

        Args:
            ref: The version to verify.
            progress: Called with the number of bytes read since the last call.

        Raises:
            NotFoundError: the store has no such model or version.
            CorruptModelError: the message names every file that is not as it was published.
        """
        manifest = resolve(self._layout, _parse(ref))
        folder = self._layout.model_version(Ref.parse(manifest.ref))
        problems = [*find_problems(folder, manifest, progress), *find_compiled_problems(folder)]
        if problems:
            raise CorruptModelError(
                f"{manifest.ref} in {self.root} is not what was published: {'; '.join(problems)}. "
                f"Publish it again, e.g. with `memorability models pull {manifest.name}`."
            )
        return manifest

    def draft(self, name: str, version: str) -> AbstractContextManager[Draft]:
        """Open a draft of a version: fill the folder `draft.path`, then call `draft.commit`.

        Leaving the context without a commit, by an exception or by the death of the process, leaves the store
        as it was. Meanwhile no other publisher may work on a model of this name.

        Raises:
            InUseError: another publisher does not finish in time.
        """
        return open_draft(self._layout, Ref(name, version), self._lock_timeout_seconds)

    def compile(self, ref: str | Ref, compile_version: Check) -> None:
        """Give a published version executables, for another jaxlib or another CPU.

        Args:
            ref: The version.
            compile_version: Adds executables under `compiled/` of the folder it is given, and tries them; where it
                raises, the version stays as it was.

        Raises:
            NotFoundError: there is no such version.
            InUseError: a publisher of the model does not finish in time.
        """
        add_executables(self._layout, self.resolve(ref), compile_version, self._lock_timeout_seconds)

    @_explained
    def find_published(self, manifest: Manifest) -> Manifest | None:
        """Return a version that is there whole and as `manifest` says, or None if it is not or is damaged.

        Raises:
            AlreadyPublishedError: the version exists with other content.
        """
        return find_published(self._layout, manifest)

    @_explained
    def remove(self, ref: str | Ref) -> tuple[str, ...]:
        """Remove a model version, given as `name@version`.

        Returns:
            The ensembles, none of them served, that had it as a member and cannot be loaded any more.

        Raises:
            NotFoundError: there is no such version.
            InUseError: an alias points to an ensemble with this member, or another model reads its features.
        """
        ref = _parse(ref)
        if ref.name not in folder_names(self._layout.models):
            raise NotFoundError(f"There is no model {ref} in {self.root} to remove.")
        with model_lock(self._layout, ref.name, self._lock_timeout_seconds), self._lock():
            return remove_model(self._layout, ref)

    @_explained
    def members_in_use(self) -> frozenset[Ref]:
        """Return the members of every ensemble that an alias points to, and of the newest version of each ensemble.

        Raises:
            CorruptModelError: an alias or its ensemble cannot be read.
        """
        return members_in_use(self._layout)

    @_explained
    def prune(self, keep: int, min_age: timedelta, spared: Collection[Ref] = ()) -> tuple[str, ...]:
        """Remove the old versions of every model that nothing needs any more.

        A version stays if it is in use, `spared`, among its model's newest `keep`, or younger than `min_age`.

        Args:
            keep: How many versions of each model stay in any case.
            min_age: How long a version stays in any case.
            spared: Versions that stay, for instance because they were in use until now and readers still hold them.

        Returns:
            The versions (`name@version`) that were removed.

        Raises:
            InUseError: a model or the store is being changed by another process.
            CorruptModelError: an alias or its ensemble cannot be read.
        """
        removed: list[str] = []
        for name in folder_names(self._layout.models):
            with model_lock(self._layout, name, self._lock_timeout_seconds), self._lock():
                removed += prune_model(self._layout, name, keep, self._clock() - min_age, spared)
        return tuple(removed)

    @_explained
    def ensembles(self) -> Listing[Ensemble]:
        """Return every version of every ensemble, oldest first, and a sentence for each broken one."""
        return list_ensembles(self._layout)

    @_explained
    def ensemble(self, ref: str | Ref) -> Ensemble:
        """Return the ensemble that an alias, a name or `name@version` means now.

        Raises:
            NotFoundError: the store has none of these.
            CorruptModelError: the alias or the ensemble cannot be read.
        """
        return resolve_ensemble(self._layout, _parse(ref))

    @_explained
    def publish_ensemble(self, name: str, measures: Mapping[Measure, EnsembleMeasure]) -> Ensemble:
        """Publish the next version of an ensemble, or return the newest if it has the same measures.

        Raises:
            NotFoundError: a member is not in the store.
            StoreError: a member predicts another measure, or the name is unfit or an alias.
        """
        with self._lock():
            return publish_ensemble(self._layout, name, measures, self._clock())

    @_explained
    def join_ensemble(self, name: str, manifest: Manifest, reference: ReferenceDistribution | None = None) -> Ensemble:
        """Publish the next version of an ensemble, with this model version in place of the model's others.

        Args:
            name: The ensemble, which is made where there is none.
            manifest: Of the new member, which is published.
            reference: Of the scores of all members of the measure; without it, a lone member brings its own.

        Raises:
            CorruptModelError: the newest version of the ensemble cannot be read.
            StoreError: the name is unfit or an alias.
        """
        with self._lock():
            return join_ensemble(self._layout, name, manifest, reference, self._clock())

    @_explained
    def aliases(self) -> dict[str, str]:
        """Return the ensemble version (`name@version`) that each alias points to."""
        return {alias: str(target) for alias, target in list_aliases(self._layout).items()}

    @_explained
    def set_alias(self, alias: str, ref: str | Ref) -> Ensemble:
        """Point an alias to an ensemble version, for every reader at once, and return that ensemble.

        Raises:
            NotFoundError: the ensemble or one of its members is not in the store.
            CorruptModelError: the ensemble or the manifest of a member cannot be read.
            StoreError: the alias has an unfit name, or an ensemble has that name.
        """
        with self._lock():
            ensemble = resolve_ensemble(self._layout, _parse(ref))
            for member in ensemble.members:
                resolve(self._layout, member)
            write_alias(self._layout, alias, Ref.parse(ensemble.ref))
            return ensemble

    @_explained
    def remove_alias(self, alias: str) -> None:
        """Remove an alias; raises `NotFoundError` if there is none."""
        with self._lock():
            delete_alias(self._layout, alias)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        make_folder(self.root)
        with exclusive_lock(self.root / LOCK_FILE, f"the store {self.root}", self._lock_timeout_seconds):
            yield


def _parse(ref: str | Ref) -> Ref:
    return ref if isinstance(ref, Ref) else Ref.parse(ref)
