"""From a map to the heatmap that is kept: its objects and its record, whoever computed it."""

from dataclasses import dataclass

from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.records import DoneHeatmap, Faithfulness
from model_store.heatmaps.rendering import overlay_png
from model_store.ports import ObjectSink
from model_store.store import Measure


@dataclass(frozen=True)
class Heatmap:
    """A heatmap as it is kept.

    Attributes:
        record: what is said about it.
        overlay: PNG, transparent.
        map: NPZ with the signed map.
    """

    record: DoneHeatmap
    overlay: bytes
    map: bytes

    def write(self, bucket: ObjectSink) -> None:
        """Writes the objects that the record points to; before the record, so that it never points to nothing."""
        bucket.write(self.record.overlay_key, self.overlay, "image/png")
        bucket.write(self.record.map_key, self.map, "application/octet-stream")


@dataclass(frozen=True)
class ComputedMap:
    """A map, and what is known of it.

    Attributes:
        photo_map: the map.
        models: whose maps were averaged, as `name@version`.
        measure: what the score measures.
        faithfulness: None where it was not measured.
    """

    photo_map: PhotoMap
    models: tuple[str, ...]
    measure: Measure
    faithfulness: Faithfulness | None = None


def draw(
    computed: ComputedMap, place: HeatmapPlace, origin: HeatmapOrigin, size: tuple[int, int], scale: float
) -> Heatmap:
    """Draws a map and writes its record.

    Args:
        computed: the map.
        place: where the heatmap is to be kept.
        origin: what it is made of.
        size: width and height of the upright photo, in pixels.
        scale: map value that gets the full colour.
    """
    (width, height), found = size, computed.photo_map
    keys = place.object_keys(origin, computed.models)
    record = DoneHeatmap(
        file=place.upload.filename,
        subject=place.subject,
        method=place.method,
        models=computed.models,
        measure=computed.measure,
        score=found.score,
        width=width,
        height=height,
        overlay_key=keys.overlay,
        map_key=keys.map,
        scale=scale,
        disagreement=found.relative_disagreement,
        faithfulness=computed.faithfulness,
    )
    figures = record.model_dump(mode="json")
    return Heatmap(record, overlay_png(found, width, height, scale), found.to_npz(figures))
