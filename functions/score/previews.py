"""Heatmaps of photos that were just scored, for batches that ask for them; none of their troubles costs a record."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, final

from functions.score.uploads import Upload
from model_store.heatmap_drawing import ComputedMap, draw
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace, heatmap_item
from model_store.heatmap_scales import SharedScales
from model_store.heatmaps.maps import shared_scale
from model_store.heatmaps.methods import Method
from model_store.heatmaps.previews import MeasureMaps, explain_measures
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.ports import HeatmapTable, ItemTable, ObjectSink
from model_store.records import ScoredRecord
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import Measure
from model_store.uploads import BatchKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredPhoto:
    """A photo as the networks saw it, and its record."""

    upload: Upload
    photo: DecodedPhoto
    record: ScoredRecord


class PreviewTable(ItemTable, HeatmapTable, Protocol):
    """The results table, for heatmaps and the scales that they share."""


@final
class Previews:
    """Explains scored photos by Grad-CAM, and keeps the heatmaps where a worker would."""

    def __init__(self, pictures: ObjectSink, table: PreviewTable) -> None:
        self._pictures = pictures
        self._table = table
        self._scales = SharedScales(table)

    def make(
        self,
        ensemble: LoadedEnsemble,
        photos: Sequence[ScoredPhoto],
        expires_at: Decimal,
        network: Executor,
    ) -> None:
        """Makes the heatmaps of every measure; what fails is logged.

        Args:
            ensemble: what scored the photos.
            photos: at least one, of any batches.
            expires_at: when the heatmaps go, in seconds since 1970.
            network: threads to write with.
        """
        try:
            self._explain(ensemble, photos, expires_at, network)
        except Exception:  # executables that are missing, altered, or need more memory than there is
            logger.exception("%s gives no previews: ask for heatmaps, which workers compute", ensemble.spec.ref)

    def _explain(
        self, ensemble: LoadedEnsemble, photos: Sequence[ScoredPhoto], expires_at: Decimal, network: Executor
    ) -> None:
        for measure, found in explain_measures(ensemble, [scored.photo.pixels for scored in photos]).items():
            subject = HeatmapSubject.of_ensemble(ensemble.spec.ref, measure)
            proposals = _proposed_scales(photos, found)
            for scored, computed in zip(photos, _computed(photos, measure, found), strict=True):
                place = HeatmapPlace(scored.upload.key, subject, Method.GRADCAM)
                proposed = proposals[scored.upload.key.batch_key]
                network.submit(self._keep, place, scored, computed, proposed, expires_at)

    def _keep(
        self, place: HeatmapPlace, scored: ScoredPhoto, computed: ComputedMap, proposed: float, expires_at: Decimal
    ) -> None:
        try:
            if not place.fits:
                logger.warning("%s has no preview: its name is too long for one", place.upload)
                return
            event = scored.upload.event
            scale = self._scales.get(place, proposed, expires_at)
            origin = HeatmapOrigin(event.version_id, event.order, expires_at)
            heatmap = draw(computed, place, origin, (scored.photo.width, scored.photo.height), scale)
            heatmap.write(self._pictures)
            self._table.put_unless_done(heatmap_item(place, heatmap.record, origin))
        except Exception:
            logger.exception("%s has no preview: it could not be kept", place.upload)


def _computed(photos: Sequence[ScoredPhoto], measure: Measure, found: MeasureMaps) -> list[ComputedMap]:
    """The maps beside the scores of the records: those of all members, whether they are explained or not."""
    return [
        ComputedMap(replace(photo_map, score=scored.record.measures[measure].score), found.members, measure)
        for scored, photo_map in zip(photos, found.maps, strict=True)
    ]


def _proposed_scales(photos: Sequence[ScoredPhoto], found: MeasureMaps) -> dict[BatchKey, float]:
    by_batch: dict[BatchKey, list[int]] = {}
    for index, scored in enumerate(photos):
        by_batch.setdefault(scored.upload.key.batch_key, []).append(index)
    return {batch: shared_scale([found.maps[index] for index in indices]) for batch, indices in by_batch.items()}
