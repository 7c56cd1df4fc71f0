"""From uploads to records in the table."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, final

from PIL.Image import Image

from functions.score.progress import Progress
from functions.score.thumbnails import Thumbnails
from functions.score.uploads import Upload
from model_store.batches import was_deleted
from model_store.images import ImageError, ImageLimits, check_size
from model_store.items import ORDER, Item, Origin, asked_ensembles, batch_item_key, expiry, record_item
from model_store.ports import ItemTable, MissingObjectError, ObjectSource
from model_store.records import FailedRecord, ScoredRecord
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.scoring import DECODERS, DecodedPhoto, Photo, decode_photo, failed_record, score_with_all
from model_store.runtime.serving import EnsembleServer
from model_store.uploads import BatchKey

if TYPE_CHECKING:
    from functions.score.previews import Previews

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
        heatmap_retention: how long a heatmap is kept; None keeps it as long as a record.
    """

    limits: ImageLimits
    default_ensemble: str
    retention: timedelta
    heatmap_retention: timedelta | None = None


@dataclass(frozen=True)
class _Wish:
    """What a batch asks for.

    Attributes:
        ensembles: references of those that are to score it.
        previews_until: when the heatmaps that are made together with the scores go, in seconds since 1970; None makes
            none.
    """

    ensembles: tuple[str, ...]
    previews_until: Decimal | None


@dataclass(frozen=True)
class _Kept:
    """What became of an upload's records.

    Attributes:
        is_new: whether one of them was written.
        is_latest: whether none was refused for one of a later upload, so that pictures of this one belong beside them.
            Pictures are written without a condition, under keys that all uploads of a name share.
    """

    is_new: bool
    is_latest: bool


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
        previews: "Callable[[], Previews] | None" = None,
    ) -> None:
        self._photos = photos
        self._results = results
        self._ensembles = ensembles
        self._rules = rules
        self._clock = clock
        self._thumbnails = thumbnails
        self._previews = previews

    def score(self, uploads: Collection[Upload]) -> Progress:
        """Scores uploads together, whatever batches they are of; a fault of ours with one costs no other its record."""
        progress = Progress()
        with ThreadPoolExecutor(CONNECTIONS) as network:
            batches = {upload.key.batch_key for upload in uploads}
            asked = {batch: network.submit(self._wish, batch) for batch in batches}
            files = progress.run(network, self._fetch, uploads)
            present = {upload: file for upload, file in files.items() if file is not None}
            wishes = progress.run(network, lambda upload: asked[upload.key.batch_key].result(), present)
            for wanted in filter(None, set(wishes.values())):
                group = {upload: present[upload] for upload, wish in wishes.items() if wish == wanted}
                self._score_group(wanted, group, network, progress)
        progress.missing = len(files) - len(present) + list(wishes.values()).count(None)
        return progress

    def _wish(self, batch: BatchKey) -> _Wish | None:
        """What a batch asks for; None where it was deleted."""
        item = self._results.get(batch_item_key(batch)) or {}
        if was_deleted(item):
            logger.info("ignored: batch %s of %s was deleted", batch.batch, batch.tenant)
            return None
        previews_until = None
        if self._previews and item.get("preview_heatmaps"):
            longest = expiry(self._clock(), self._rules.heatmap_retention or self._rules.retention)
            previews_until = min(longest, item.get("expires_at", longest))
        return _Wish(asked_ensembles(item) or (self._rules.default_ensemble,), previews_until)

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
        self, wish: _Wish, files: Mapping[Upload, bytes | FailedRecord], network: Executor, progress: Progress
    ) -> None:
        """Scores uploads that ask for the same; previews come last, for they must not keep records waiting."""
        ensembles, errors = self._load(wish.ensembles)
        thumbnails: dict[Upload, bytes] = {}
        photos = self._decode(ensembles, files, thumbnails, progress) if ensembles else {}
        records = self._records(ensembles, photos, progress)
        kept = progress.run(network, lambda upload: self._keep(upload, records[upload]), records)
        latest = _latest(kept)
        for upload in latest:
            if self._thumbnails and upload in thumbnails:
                network.submit(self._thumbnails.write, upload.key, thumbnails[upload])
        for upload, outcome in kept.items():
            progress.count(next(iter(records[upload].values())), is_new=outcome.is_new)
        for upload in files if errors else ():
            progress.fail(upload, ExceptionGroup("an ensemble that the batch asks for cannot be served", errors))
        if wish.previews_until:
            self._preview(ensembles, {upload: photos[upload] for upload in latest}, records, wish, network)

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

    def _decode(
        self,
        ensembles: Sequence[LoadedEnsemble],
        files: Mapping[Upload, bytes | FailedRecord],
        thumbnails: dict[Upload, bytes],
        progress: Progress,
    ) -> dict[Upload, DecodedPhoto | FailedRecord]:
        """Photos as the networks want them; fills in their thumbnails."""
        cuts = frozenset(cut for ensemble in ensembles for cut in ensemble.spec.preprocessings)

        def decode(upload: Upload) -> DecodedPhoto | FailedRecord:
            file = files[upload]
            if isinstance(file, FailedRecord):
                return file

            def shrink(_name: str, image: Image) -> None:
                if self._thumbnails and (jpeg := self._thumbnails.make(upload.key, image)):
                    thumbnails[upload] = jpeg

            return decode_photo(Photo(upload.key.filename, lambda: file), cuts, self._rules.limits, shrink)

        with ThreadPoolExecutor(DECODERS) as decoders:
            return progress.run(decoders, decode, files)

    def _records(
        self,
        ensembles: Sequence[LoadedEnsemble],
        photos: Mapping[Upload, DecodedPhoto | FailedRecord],
        progress: Progress,
    ) -> dict[Upload, RecordByEnsemble]:
        start = time.perf_counter()
        records = score_with_all(ensembles, list(photos.values()))
        progress.model_seconds += time.perf_counter() - start
        return dict(zip(photos, records, strict=True))

    def _preview(
        self,
        ensembles: Sequence[LoadedEnsemble],
        photos: Mapping[Upload, DecodedPhoto | FailedRecord],
        records: Mapping[Upload, RecordByEnsemble],
        wish: _Wish,
        network: Executor,
    ) -> None:
        """Makes heatmaps of the photos that were scored."""
        from functions.score.previews import ScoredPhoto

        for ensemble in ensembles:
            scored = [
                ScoredPhoto(upload, photo, record)
                for upload, photo in photos.items()
                if isinstance(photo, DecodedPhoto)
                and isinstance(record := records[upload][ensemble.spec.name], ScoredRecord)
            ]
            if scored and self._previews and wish.previews_until:
                self._previews().make(ensemble, scored, wish.previews_until, network)

    def _keep(self, upload: Upload, records: RecordByEnsemble) -> _Kept:
        """Writes an upload's records where no later ones are."""
        origin = Origin(upload.event.version_id, upload.event.order, self._clock())
        retention = self._rules.retention
        items = [record_item(upload.key, name, record, origin, retention) for name, record in records.items()]
        written = [self._results.put_newer(item) for item in items]
        refused = [item for item, is_written in zip(items, written, strict=True) if not is_written]
        return _Kept(is_new=any(written), is_latest=all(map(self._was_kept_before, refused)))

    def _was_kept_before(self, item: Item) -> bool:
        """Whether a record that was refused is there already: its event came twice, or its call comes again."""
        there = self._results.get({"pk": item["pk"], "sk": item["sk"]})
        return there is not None and there[ORDER] == item[ORDER]


def _latest(kept: Mapping[Upload, _Kept]) -> Collection[Upload]:
    """The uploads whose pictures belong beside the records; one of a name, for a call may bring several."""
    uploads = sorted((upload for upload, outcome in kept.items() if outcome.is_latest), key=lambda one: one.event.order)
    return {upload.key: upload for upload in uploads}.values()
