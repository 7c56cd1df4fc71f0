"""Photos of a batch with results, ranks, thumbnails and heatmaps. One query reads all of it: ranks need every score."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from functions.api.batches import batch_names, find_batch
from functions.api.callers import Caller
from functions.api.cursors import ANY_TEXT, Scope
from functions.api.export import ExportedPhoto, to_csv
from functions.api.ports import BatchTable, Links
from functions.api.responses import PhotoHeatmap, PhotoResult, PhotosPage, PhotoState, PhotoView, RankedMeasure
from model_store.heatmap_items import HEATMAP_SORT_KEYS, HeatmapPlace, StoredHeatmap, stored_heatmap
from model_store.heatmaps.records import DoneHeatmap, FailedHeatmap
from model_store.items import Item, PhotoRecord, photo_record
from model_store.ranking import Place, places
from model_store.records import FailedRecord, MeasureResult, ScoredRecord
from model_store.store.manifest import Measure
from model_store.uploads import BatchKey, UploadKey

_NOTHING: Sequence[PhotoRecord | None] = (None,)


@dataclass(frozen=True)
class Filter:
    """Which results are wanted: of an ensemble (`NAME` or `NAME@VERSION`), of a measure; None for all."""

    ensemble: str | None = None
    measure: Measure | None = None

    def takes(self, kept: PhotoRecord) -> bool:
        """Whether a record is wanted; a failed one knows no version, and stands for all of them."""
        if self.ensemble is None:
            return True
        name, _, version = self.ensemble.partition("@")
        is_version = not version or isinstance(kept.record, FailedRecord) or kept.record.ensemble == self.ensemble
        return kept.ensemble == name and is_version

    def measures(self, record: ScoredRecord) -> dict[Measure, MeasureResult]:
        """What is wanted of a record."""
        return {measure: found for measure, found in record.measures.items() if self.measure in {None, measure}}


@dataclass(frozen=True)
class Results:
    """The wanted records of a batch, and the places of their scores.

    Attributes:
        by_photo: records by the photo's name.
        places: by ensemble (`NAME@VERSION`) and measure, the place of each photo.
    """

    by_photo: Mapping[str, Sequence[PhotoRecord]]
    places: Mapping[tuple[str, Measure], Mapping[str, Place]]

    @classmethod
    def of(cls, items: Iterable[Item], wanted: Filter) -> "Results":
        """Reads what a batch's items hold."""
        by_photo: dict[str, list[PhotoRecord]] = {}
        scores: dict[tuple[str, Measure], dict[str, MeasureResult]] = {}
        for kept in filter(wanted.takes, (kept for item in items if (kept := photo_record(item)))):
            by_photo.setdefault(kept.filename, []).append(kept)
            if isinstance(kept.record, ScoredRecord):
                for measure, result in wanted.measures(kept.record).items():
                    scores.setdefault((kept.record.ensemble, measure), {})[kept.filename] = result
        return cls(by_photo, {(ref, measure): places(found, measure) for (ref, measure), found in scores.items()})

    def ranked(self, kept: PhotoRecord, wanted: Filter) -> dict[Measure, RankedMeasure]:
        """What a record says of its photo, with the photo's places."""
        if not isinstance(kept.record, ScoredRecord):
            return {}
        found = wanted.measures(kept.record)
        at = {measure: self.places[kept.record.ensemble, measure][kept.filename] for measure in found}
        return {
            measure: RankedMeasure(**dict(result), rank=at[measure].rank, tied_with_next=at[measure].tied_with_next)
            for measure, result in found.items()
        }


@final
class Photos:
    """The photos of all tenants; every method looks only at the caller's."""

    def __init__(self, table: BatchTable, links: Links, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._links = links
        self._clock = clock

    def page(
        self,
        caller: Caller,
        batch_id: str,
        ensemble: str | None,
        measure: Measure | None,
        limit: int,
        cursor: str | None,
    ) -> PhotosPage:
        """A page of photos by name.

        Raises:
            ProblemError: the tenant has no such batch, or the cursor is of another list.
        """
        scope = Scope(caller.tenant, ("photos", batch_id))
        position = scope.read(cursor, ANY_TEXT)
        key = caller.batch_key(batch_id)
        items = self._table.partition(key)
        item, _ = find_batch(items, self._clock())
        following = sorted(name for name in batch_names(item, items) if position is None or name > position[0])
        names, wanted = following[:limit], Filter(ensemble, measure)
        results, heatmaps = Results.of(items, wanted), _heatmaps(items, set(names))
        photos = tuple(
            self._view(UploadKey(*_parts(key), name), results, wanted, heatmaps.get(name, ())) for name in names
        )
        return PhotosPage(photos=photos, next_cursor=scope.write(names[-1]) if len(following) > limit else None)

    def csv(self, caller: Caller, batch_id: str) -> str:
        """All results of a batch as a table; raises `ProblemError` where the tenant has no such batch."""
        items = self._table.partition(caller.batch_key(batch_id))
        item, _ = find_batch(items, self._clock())
        wanted = Filter()
        results = Results.of(items, wanted)
        photos = [
            ExportedPhoto(name, kept, results.ranked(kept, wanted) if kept else {})
            for name in sorted(batch_names(item, items))
            for kept in results.by_photo.get(name, _NOTHING)
        ]
        return to_csv(photos)

    def _view(
        self, upload: UploadKey, results: Results, wanted: Filter, heatmaps: Sequence[StoredHeatmap]
    ) -> PhotoView:
        kept = results.by_photo.get(upload.filename, ())
        scored = [(one, one.record) for one in kept if isinstance(one.record, ScoredRecord)]
        error = next((one.record.error for one in kept if isinstance(one.record, FailedRecord)), None)
        size = next(((record.width, record.height) for _, record in scored), (None, None))
        return PhotoView(
            name=upload.filename,
            state=PhotoState.SCORED if scored else PhotoState.FAILED if error else PhotoState.WAITING,
            error=None if scored else error,
            width=size[0],
            height=size[1],
            thumbnail_url=self._links.picture(upload.thumbnail_key) if scored else None,
            photo_url=self._links.photo(str(upload)) if kept else None,
            results=tuple(
                PhotoResult(ensemble=record.ensemble, measures=results.ranked(one, wanted)) for one, record in scored
            ),
            heatmaps=tuple(self._heatmap(upload, heatmap) for heatmap in heatmaps if _is_of(heatmap, kept)),
        )

    def _heatmap(self, upload: UploadKey, heatmap: StoredHeatmap) -> PhotoHeatmap:
        record = heatmap.record
        asked = {"subject": record.subject, "method": record.method, "status": record.status}
        match record:
            case DoneHeatmap():
                place = HeatmapPlace(upload, record.subject, record.method)
                return PhotoHeatmap(
                    **asked,
                    models=record.models,
                    measure=record.measure,
                    score=record.score,
                    overlay_url=self._picture(place, record.overlay_key),
                    map_url=self._picture(place, record.map_key),
                    scale=record.scale,
                    disagreement=record.disagreement,
                    faithfulness=record.faithfulness,
                )
            case FailedHeatmap():
                return PhotoHeatmap(**asked, error=record.error)
        return PhotoHeatmap(**asked)

    def _picture(self, place: HeatmapPlace, key: str) -> str | None:
        """A link to an object of a heatmap; None for one that lies elsewhere, which may be another tenant's."""
        return self._links.picture(key) if place.holds(key) else None


def _heatmaps(items: Iterable[Item], names: set[str]) -> dict[str, list[StoredHeatmap]]:
    found: dict[str, list[StoredHeatmap]] = {}
    for item in items:
        is_wanted = item["sk"].startswith(HEATMAP_SORT_KEYS) and item["file"] in names
        if is_wanted and (heatmap := stored_heatmap(item)):
            found.setdefault(heatmap.filename, []).append(heatmap)
    return found


def _is_of(heatmap: StoredHeatmap, kept: Sequence[PhotoRecord]) -> bool:
    """Whether a heatmap is of the photo that was scored, and not of an earlier upload under its name."""
    return not kept or heatmap.origin.object_version in {record.object_version for record in kept}


def _parts(batch: BatchKey) -> tuple[str, str]:
    return batch.tenant, batch.batch
