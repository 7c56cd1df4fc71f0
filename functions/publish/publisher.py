"""From an uploaded model to a version that is served.

Every step can be cut off and done again: the files are copied to a draft that nobody sees; the draft is verified,
compiled and tried, and becomes visible whole; joining an ensemble and moving an alias change nothing the second time.
What is done again late never takes a place from a later upload of the model.
"""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import final

from functions.publish.artefacts import UploadedModel
from functions.publish.publications import is_settled, place_item, publication_item, publication_key
from model_store.errors import MemorabilityError
from model_store.ports import ItemTable, MissingObjectError, ObjectSource
from model_store.publications import InvalidRequestError, Publication, PublicationRequest, PublicationStatus
from model_store.store import (
    CorruptModelError,
    InUseError,
    Manifest,
    ModelStore,
    NotFoundError,
    Ref,
    StoreError,
    VolumeError,
)
from model_store.store.layout import MANIFEST_FILE
from model_store.store.manifest import MAX_DOCUMENT_BYTES

logger = logging.getLogger(__name__)

MIN_AGE = timedelta(days=1)

type Compile = Callable[[Path, Manifest], None]
"""Gives a version's folder the executables that it lacks and tries its golden cases on them."""


class UnservableError(RuntimeError):
    """What the store holds keeps a version from joining its ensemble; once that is mended, trying again helps."""


@final
class Publisher:
    """Publishes uploaded models; the only one that writes to the store."""

    def __init__(
        self,
        artefacts: ObjectSource,
        publications: ItemTable,
        store: ModelStore,
        compile_version: Compile,
        keep_versions: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._artefacts = artefacts
        self._publications = publications
        self._store = store
        self._compile = compile_version
        self._keep_versions = keep_versions
        self._clock = clock

    def publish(self, upload: UploadedModel) -> Publication | None:
        """Publishes a model, keeps a record of what became of it, and removes what nothing needs any more.

        Returns:
            What became of it; None where the upload was dealt with before, or replaced by a later one.

        Raises:
            Exception: a fault of the platform; trying again may well succeed.
        """
        if is_settled(self._publications.get(publication_key(upload)), upload):
            logger.info("%s is settled already: this event is a double, or late", upload.folder)
            return None
        served_before = self._members_in_use()
        try:
            publication = self._publish(upload)
        except Exception as error:
            status = PublicationStatus.REFUSED if _is_refusal(error) else PublicationStatus.INTERRUPTED
            failure = Publication(status, error=f"{type(error).__name__}: {error}")
            self._keep(upload, failure)
            if status is PublicationStatus.INTERRUPTED:
                raise
            return failure
        self._keep(upload, publication)
        self._prune(served_before)
        return publication

    def _publish(self, upload: UploadedModel) -> Publication:
        request = self._read_request(upload)
        self._check_wishes(request)
        self._check_trunks(request)
        manifest = self._install(upload, request)
        try:
            return self._serve(upload, request, manifest)
        except StoreError as error:  # never a refusal: the version is visible
            raise UnservableError(f"{request.ref} cannot join {request.ensemble}: {error}") from error

    def _read_request(self, upload: UploadedModel) -> PublicationRequest:
        try:
            size, text = self._artefacts.read(upload.event.key, upload.event.version_id, MAX_DOCUMENT_BYTES)
        except MissingObjectError as error:
            raise InvalidRequestError(str(error)) from error
        if size > MAX_DOCUMENT_BYTES:
            raise InvalidRequestError(f"{MANIFEST_FILE} has {size:,} bytes, and the limit is {MAX_DOCUMENT_BYTES:,}")
        return PublicationRequest.read(text, upload.name, upload.version)

    def _check_wishes(self, request: PublicationRequest) -> None:
        """Finds out, before anything is changed, whether the ensemble and the alias can be had."""
        if request.ensemble is None:
            return
        if request.ensemble in self._store.aliases():
            raise InvalidRequestError(f"{request.ensemble} is an alias; give the ensemble another name")
        if request.alias in {ensemble.name for ensemble in self._store.ensembles().items}:
            raise InvalidRequestError(f"{request.alias} is an ensemble; give the alias another name")
        try:
            self._check_members(request.ensemble, request.name)
        except CorruptModelError as error:
            raise UnservableError(f"{request.ref} cannot join {request.ensemble}: {error}") from error

    def _check_members(self, ensemble: str, newcomer: str) -> None:
        """Finds out whether those can be read that stay in an ensemble when a new version of a model joins it."""
        try:
            members = self._store.ensemble(ensemble).members
        except NotFoundError:
            logger.info("%s is going to be a new ensemble", ensemble)
            return
        for member in members:
            if member.name != newcomer:
                with suppress(NotFoundError):  # joining leaves out those that were removed
                    self._store.manifest(member)

    def _check_trunks(self, request: PublicationRequest) -> None:
        """Finds out whether the models are there whose features this one reads."""
        for trunk in request.trunks:
            try:
                self._store.manifest(trunk)
            except NotFoundError as error:
                raise InvalidRequestError(
                    f"{request.ref} reads the features of {trunk}, which is not on the volume: publish {trunk} first"
                ) from error
            except CorruptModelError as error:
                raise UnservableError(f"{request.ref} cannot read the features of {trunk}: {error}") from error

    def _install(self, upload: UploadedModel, request: PublicationRequest) -> Manifest:
        """Makes the version visible, or gives the one that is there the executables that it lacks."""
        if published := self._store.find_published(request):
            self._store.compile(published.ref, self._compile)
            return published

        def check(folder: Path, found: Manifest) -> None:
            if found.differences(request):
                raise CorruptModelError(f"the files of {request.ref} do not have the digests that {MANIFEST_FILE} says")
            self._compile(folder, found)

        with self._store.draft(request.name, request.version) as draft:
            self._copy(upload, request, draft.path)
            return draft.commit(request, check=check)

    def _copy(self, upload: UploadedModel, request: PublicationRequest, folder: Path) -> None:
        for name, digest in request.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._copy_file(upload.folder + name, target, digest.bytes)
            except MissingObjectError as error:
                raise InvalidRequestError(f"{error}; upload every file before {MANIFEST_FILE}") from error

    def _copy_file(self, key: str, target: Path, n_bytes: int) -> None:
        copied = 0
        with target.open("wb") as file:
            for chunk in self._artefacts.chunks(key):
                copied += len(chunk)
                if copied > n_bytes:
                    raise CorruptModelError(f"{key} has more than the {n_bytes:,} bytes that {MANIFEST_FILE} says")
                file.write(chunk)

    def _serve(self, upload: UploadedModel, request: PublicationRequest, manifest: Manifest) -> Publication:
        if request.ensemble is None or not self._take(upload, request.ensemble):
            return Publication(PublicationStatus.PUBLISHED)
        alias = request.alias if request.alias and self._take(upload, request.alias) else None
        ensemble = self._store.join_ensemble(request.ensemble, manifest, request.ensemble_reference)
        if alias:
            self._store.set_alias(alias, ensemble.ref)
        return Publication(PublicationStatus.PUBLISHED, ensemble=ensemble.ref, alias=alias)

    def _take(self, upload: UploadedModel, place: str) -> bool:
        """Takes the model's place in an ensemble or behind an alias, unless a later upload of the model has it."""
        is_taken = self._publications.put_newer(place_item(upload, place), replace_equal=True)
        if not is_taken:
            logger.info("%s does not get to %s: a later upload of %s has its place", upload.folder, place, upload.name)
        return is_taken

    def _members_in_use(self) -> Collection[Ref] | None:
        """What is served now, None where nobody can tell."""
        try:
            return self._store.members_in_use()
        except StoreError as error:
            logger.error("nothing is going to be pruned: %s", error)
            return None

    def _prune(self, served_before: Collection[Ref] | None) -> None:
        """Removes what nothing needs; containers may still hold what was served until this publication."""
        if served_before is None:
            return
        try:
            for ref in self._store.prune(self._keep_versions, MIN_AGE, spared=served_before):
                logger.info("%s is removed: nothing needs it any more", ref)
        except StoreError as error:  # the publication is done; the next one prunes
            logger.error("nothing more is pruned: %s", error)

    def _keep(self, upload: UploadedModel, publication: Publication) -> None:
        logger.info("%s is %s: %s", upload.folder, publication.status, publication.error or publication)
        self._publications.put_newer(publication_item(upload, publication, self._clock()), replace_equal=True)


def _is_refusal(error: Exception) -> bool:
    """Whether the upload is at fault, so that trying again is of no use."""
    return isinstance(error, MemorabilityError) and not isinstance(error, VolumeError | InUseError)
