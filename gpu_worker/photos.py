"""From a job to the photo that it is about, decoded; or to the reason why there is nothing to explain."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import final

from gpu_worker.backlog import Work
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace, stored_heatmap
from model_store.heatmaps.records import DoneHeatmap, HeatmapFailure
from model_store.images import ImageError, ImageLimits, Preprocessing, check_size
from model_store.items import batch_item_key, expiry
from model_store.ports import HeatmapTable, MissingObjectError, ObjectSource
from model_store.records import FailedRecord
from model_store.runtime.scoring import DecodedPhoto, Photo, decode_photo

MISSING_PHOTO = "missing_photo"


@dataclass(frozen=True)
class Target:
    """Where a job's heatmap goes.

    Attributes:
        work: the job.
        origin: what its item says, or is going to say, beside the record.
        is_recorded: whether the table had an item when the job was looked at. Where it had one and has none later, the
            batch was deleted.
    """

    work: Work
    origin: HeatmapOrigin
    is_recorded: bool

    @property
    def place(self) -> HeatmapPlace:
        """Where it is kept."""
        return self.work.job.place


@dataclass(frozen=True)
class Dropped:
    """A job that nothing is to be done for."""

    work: Work
    reason: str


@dataclass(frozen=True)
class Failed:
    """A job whose heatmap cannot be made, however often it is tried."""

    target: Target
    failure: HeatmapFailure


@dataclass(frozen=True, eq=False)
class Ready:
    """A job whose photo is decoded."""

    target: Target
    photo: DecodedPhoto


@final
class PhotoReader:
    """Looks at what is known of a job, and fetches its photo."""

    def __init__(
        self,
        photos: ObjectSource,
        table: HeatmapTable,
        limits: ImageLimits,
        retention: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Names what it reads from.

        Args:
            photos: the bucket of uploads.
            table: the results table.
            limits: what a photo may be at most.
            retention: how long heatmaps are kept at most; its item does not outlive a heatmap.
            clock: the time, with time zone.
        """
        self._photos = photos
        self._table = table
        self._limits = limits
        self._retention = retention
        self._clock = clock

    def look_up(self, work: Work) -> Target | Dropped:
        """Where the job's heatmap goes, unless it is there already or asked of a later version of the photo."""
        job = work.job
        item = self._table.get(job.place.item_key)
        stored = stored_heatmap(item) if item else None
        if stored is None:
            batch = self._table.get(batch_item_key(job.place.upload.batch_key)) or {}
            origin = HeatmapOrigin(job.object_version, "", self._expires_at(batch.get("expires_at")))
            return Target(work, origin, is_recorded=False)
        if job.object_version not in {None, stored.origin.object_version}:
            return Dropped(work, "a heatmap of another version of the photo was asked for since")
        if isinstance(stored.record, DoneHeatmap):
            return Dropped(work, "it is done already")
        origin = replace(stored.origin, expires_at=self._expires_at(stored.origin.expires_at))
        return Target(work, origin, is_recorded=True)

    def read(self, target: Target, cuts: Collection[Preprocessing]) -> Ready | Failed | Dropped:
        """The photo, decoded and cut in every way that the models want."""
        job, filename = target.work.job, target.work.job.filename
        try:
            version = job.object_version or target.origin.object_version
            size, data = self._photos.read(str(job.place.upload), version, self._limits.max_bytes)
            check_size(size, filename, self._limits)
        except MissingObjectError:
            if not target.is_recorded:
                return Dropped(target.work, "the photo is not there (any more)")
            message = f"{filename} is not there (any more); upload it again"
            return Failed(target, HeatmapFailure(code=MISSING_PHOTO, message=message))
        except ImageError as error:
            return Failed(target, HeatmapFailure(code=error.code, message=str(error)))
        decoded = decode_photo(Photo(filename, lambda: data), cuts, self._limits)
        if isinstance(decoded, FailedRecord):
            return Failed(target, HeatmapFailure(code=decoded.error.code, message=decoded.error.message))
        return Ready(target, decoded)

    def _expires_at(self, planned: Decimal | None) -> Decimal:
        limit = expiry(self._clock(), self._retention)
        return limit if planned is None else min(planned, limit)
