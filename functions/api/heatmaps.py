"""Requests of heatmaps: what is asked for is noted, then sent to the workers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import final
from uuid import UUID, uuid4

from functions.api.batches import find_batch
from functions.api.callers import Caller
from functions.api.catalogue import Catalogue
from functions.api.ports import BatchTable, JobQueue
from functions.api.problems import Fault, ProblemError, ProblemKind
from functions.api.requests import HeatmapsRequest
from functions.api.responses import HeatmapRequested, HeatmapsRequested
from model_store.batches import HEAD_ATTRIBUTES
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace, heatmap_item
from model_store.heatmaps.jobs import HeatmapJob
from model_store.heatmaps.records import QueuedHeatmap
from model_store.items import ORDER, Item, photo_name
from model_store.uploads import BatchKey, UploadKey

WRITERS = 8

_ATTRIBUTES = {*HEAD_ATTRIBUTES, "status", "object_version", ORDER}


@dataclass(frozen=True)
class _Wanted:
    """A heatmap that is asked for: where it is kept, and what it is made of."""

    place: HeatmapPlace
    origin: HeatmapOrigin


@final
class Heatmaps:
    """Asks for heatmaps of the caller's photos."""

    def __init__(
        self, table: BatchTable, queue: JobQueue | None, catalogue: Catalogue, clock: Callable[[], datetime]
    ) -> None:
        """Names what is needed.

        Args:
            table: keeps what is asked for.
            queue: of the workers, None in a deployment without any.
            catalogue: knows what there can be heatmaps of.
            clock: tells the time.
        """
        self._table = table
        self._queue = queue
        self._catalogue = catalogue
        self._clock = clock

    def request(self, caller: Caller, batch_id: str, wish: HeatmapsRequest) -> HeatmapsRequested:
        """Asks for heatmaps. One that is there already is not made anew; one that failed is tried again.

        Where this fails halfway, the same request again does the rest.

        Raises:
            ProblemError: the tenant has no such batch, or there can be no such heatmaps.
        """
        key, now, request_id = caller.batch_key(batch_id), self._clock(), uuid4()
        items = self._table.partition(key, _ATTRIBUTES)
        find_batch(items, now)
        scored = {name: item for item in items if item.get("status") == "scored" and (name := photo_name(item))}
        self._check(wish, scored)
        if self._queue is None:
            raise ProblemError(ProblemKind.NO_WORKERS, "This deployment has no workers that make heatmaps.")
        wanted = list(_wanted(key, wish, scored))
        with ThreadPoolExecutor(WRITERS) as pool:
            is_new = list(pool.map(lambda one: self._note(one, request_id, now), wanted))
        self._queue.send([_job(one, request_id) for one, new in zip(wanted, is_new, strict=True) if new])
        return HeatmapsRequested(requests=tuple(map(_requested, wanted, is_new)))

    def _check(self, wish: HeatmapsRequest, scored: dict[str, Item]) -> None:
        faults = [
            Fault(place=f"body/photos/{position}", detail=f"{name} is not among the scored photos of this batch")
            for position, name in enumerate(wish.photos)
            if name not in scored
        ]
        faults += [
            Fault(place=f"body/subjects/{position}", detail=fault)
            for position, subject in enumerate(wish.subjects)
            if (fault := self._catalogue.subject_fault(subject))
        ]
        if faults:
            raise ProblemError.invalid(*faults)

    def _note(self, wanted: _Wanted, request_id: UUID, now: datetime) -> bool:
        place = wanted.place
        record = QueuedHeatmap(
            file=place.upload.filename,
            subject=place.subject,
            method=place.method,
            request_id=str(request_id),
            requested_at=now,
        )
        return self._table.put_unless_done(heatmap_item(place, record, wanted.origin))


def _wanted(batch: BatchKey, wish: HeatmapsRequest, scored: dict[str, Item]) -> Iterator[_Wanted]:
    for name, subject, method in product(wish.photos, wish.subjects, wish.methods):
        item = scored[name]
        place = HeatmapPlace(UploadKey(batch.tenant, batch.batch, name), subject, method)
        yield _Wanted(place, HeatmapOrigin(item["object_version"], item[ORDER], item["expires_at"]))


def _job(wanted: _Wanted, request_id: UUID) -> HeatmapJob:
    place = wanted.place
    return HeatmapJob(
        tenant=place.upload.tenant,
        batch=place.upload.batch,
        filename=place.upload.filename,
        object_version=wanted.origin.object_version,
        subject=place.subject,
        method=place.method,
        request_id=request_id,
    )


def _requested(wanted: _Wanted, is_new: bool) -> HeatmapRequested:
    place = wanted.place
    status = "queued" if is_new else "done"
    return HeatmapRequested(photo=place.upload.filename, subject=place.subject, method=place.method, status=status)
