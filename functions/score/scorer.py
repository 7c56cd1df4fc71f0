"""From uploads to records in the table."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import final

from functions.score.progress import Progress
from functions.score.thumbnails import Thumbnails
from functions.score.uploads import Upload
from model_store.batches import was_deleted
from model_store.images import ImageError, ImageLimits, check_size
from model_store.items import Origin, asked_ensembles, batch_item_key, record_item
from model_store.ports import ItemTable, MissingObjectError, ObjectSource
from model_store.records import FailedRecord, ScoredRecord
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.scoring import DECODERS, DecodedPhoto, Photo, decode_photo, failed_record, score_with_all
from model_store.runtime.serving import EnsembleServer
from model_store.uploads import BatchKey

logger = logging.getLogger(__name__)

CONNECTIONS = 16

type RecordByEnsemble = Mapping[str, ScoredRecord | FailedRecord]


@dataclass(frozen=True)
class Rules:
    """What is asked of photos, and what becomes of records.

    Attributes:
        limits: what a photo may be at most.
        default_ensemble: reference of the ensemble that scores batches that ask for none.
        retention: how long a record is kept.
    """

    limits: ImageLimits
    default_ensemble: str
    retention: timedelta


@final
class UploadScorer:
    """Scores uploads with the ensembles that their batches ask for, and keeps the records."""

    def __init__(
        self,
        photos: ObjectSource,
        results: ItemTable,
        ensembles: EnsembleServer,
        rules: Rules,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        thumbnails: Thumbnails | None = None,
    ) -> None:
        self._photos = photos
        self._results = results
        self._ensembles = ensembles
        self._rules = rules
        self._clock = clock
        self._thumbnails = thumbnails

    def score(self, uploads: Collection[Upload]) -> Progress:
        """Scores uploads together, whatever batches they are of; a fault of ours with one costs no other its record."""
        progress = Progress()
        with ThreadPoolExecutor(CONNECTIONS) as network:
            batches = {upload.key.batch_key for upload in uploads}
            asked = {batch: network.submit(self._asked_ensembles, batch) for batch in batches}
            files = progress.run(network, self._fetch, uploads)
            present = {upload: file for upload, file in files.items() if file is not None}
            wishes = progress.run(network, lambda upload: asked[upload.key.batch_key].result(), present)
            for refs in filter(None, set(wishes.values())):
                group = {upload: present[upload] for upload, wish in wishes.items() if wish == refs}
                self._score_group(refs, group, network, progress)
        progress.missing = len(files) - len(present) + list(wishes.values()).count(None)
        return progress

    def _asked_ensembles(self, batch: BatchKey) -> tuple[str, ...] | None:
        """References of the ensembles that are to score a batch; None where it was deleted."""
        item = self._results.get(batch_item_key(batch)) or {}
        if was_deleted(item):
            logger.info("ignored: batch %s of %s was deleted", batch.batch, batch.tenant)
            return None
        return asked_ensembles(item) or (self._rules.default_ensemble,)

    def _fetch(self, upload: Upload) -> bytes | FailedRecord | None:
        """The photo's file, the record of one that is too large or empty, or None where there is none any more."""
        filename, event, limits = upload.key.filename, upload.event, self._rules.limits
        try:
            if event.size is not None:
                check_size(event.size, filename, limits)
            size, data = self._photos.read(event.key, event.version_id, limits.max_bytes)
            check_size(size, filename, limits)
        except ImageError as error:
            return failed_record(filename, error)
        except MissingObjectError as error:
            logger.info("ignored: %s", error)
            return None
        return data

    def _score_group(
        self, refs: Sequence[str], files: Mapping[Upload, bytes | FailedRecord], network: Executor, progress: Progress
    ) -> None:
        """Scores uploads that ask for the same ensembles."""
        ensembles, errors = self._load(refs)
        records = self._records(ensembles, files, network, progress) if ensembles else {}
        written = progress.run(network, lambda upload: self._keep(upload, records[upload]), records)
        for upload, is_new in written.items():
            progress.count(next(iter(records[upload].values())), is_new=is_new)
        for upload in files if errors else ():
            progress.fail(upload, ExceptionGroup("an ensemble that the batch asks for cannot be served", errors))

    def _load(self, refs: Sequence[str]) -> tuple[list[LoadedEnsemble], list[Exception]]:
        """The ensembles, one of each name, and why others cannot be had."""
        ensembles: dict[str, LoadedEnsemble] = {}
        errors: list[Exception] = []
        for ref in refs:
            try:
                ensemble = self._ensembles.get(ref)
            except Exception as error:  # those that can be had are served
                errors.append(error)
            else:
                kept = ensembles.setdefault(ensemble.spec.name, ensemble)
                if kept.spec.ref != ensemble.spec.ref:
                    logger.warning("%s is left out: a batch gets one version of an ensemble, %s", ref, kept.spec.ref)
        return list(ensembles.values()), errors

    def _records(
        self,
        ensembles: Sequence[LoadedEnsemble],
        files: Mapping[Upload, bytes | FailedRecord],
        network: Executor,
        progress: Progress,
    ) -> dict[Upload, RecordByEnsemble]:
        cuts = frozenset(cut for ensemble in ensembles for cut in ensemble.spec.preprocessings)

        def decode(upload: Upload) -> DecodedPhoto | FailedRecord:
            file = files[upload]
            if isinstance(file, FailedRecord):
                return file
            keep = partial(self._thumbnails.keep, upload.key, network) if self._thumbnails else None
            return decode_photo(Photo(upload.key.filename, lambda: file), cuts, self._rules.limits, keep)

        with ThreadPoolExecutor(DECODERS) as decoders:
            outcomes = progress.run(decoders, decode, files)
        start = time.perf_counter()
        records = score_with_all(ensembles, list(outcomes.values()))
        progress.model_seconds += time.perf_counter() - start
        return dict(zip(outcomes, records, strict=True))

    def _keep(self, upload: Upload, records: RecordByEnsemble) -> bool:
        """Writes an upload's records; returns whether one of them is new."""
        origin = Origin(upload.event.version_id, upload.event.order, self._clock())
        retention = self._rules.retention
        items = [record_item(upload.key, name, record, origin, retention) for name, record in records.items()]
        written = [self._results.put_newer(item) for item in items]
        return any(written)
