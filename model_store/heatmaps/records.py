"""What is said about a heatmap: one record a photo, subject and method, the same wherever it goes."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.records import Pixels, Score, Spread, Text
from model_store.store.manifest import Measure
from model_store.store.references import PinnedRef

Area = Annotated[float, Field(description="mean score over a curve, in the score's own unit")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Areas(_Value):
    """How the score falls and rises where places are taken out of the picture, or put back, in one order.

    `deletion` is the mean score while the places that raise it most are taken out first: the lower, the better the
    order. `insertion` is the mean score while they are put back first into a blurred picture: the higher, the better.
    """

    deletion: Area
    insertion: Area


class Faithfulness(_Value):
    """The map's areas beside those of two orders that know nothing of the model."""

    map: Areas
    random: Areas
    centre: Areas


class _Record(_Value):
    file: Text
    subject: HeatmapSubject
    method: Method

    def to_json(self) -> str:
        """Returns the record as one line of JSON, without the line's end."""
        return self.model_dump_json()


class QueuedHeatmap(_Record):
    """A heatmap that was asked for."""

    status: Literal["queued"] = "queued"
    request_id: Text
    requested_at: AwareDatetime


class DoneHeatmap(_Record):
    """A heatmap that is there.

    Attributes:
        models: the members whose maps were averaged, as `name@version`.
        measure: what the score measures.
        score: the explained score, from the same pass as the map.
        width, height: of the upright photo, in pixels.
        overlay_key: where the transparent overlay lies; of the command, its file.
        map_key: where the signed map lies; of the command, its file.
        scale: map value that has the full colour.
        disagreement: mean, over the picture, of the members' standard deviation, as a share of the mean map's mean
            magnitude; 0 for a single model.
        faithfulness: null where it was not asked for.
    """

    status: Literal["done"] = "done"
    models: Annotated[tuple[PinnedRef, ...], Field(min_length=1)]
    measure: Measure
    score: Score
    width: Pixels
    height: Pixels
    overlay_key: Text
    map_key: Text
    scale: Annotated[float, Field(gt=0)]
    disagreement: Spread = 0.0
    faithfulness: Faithfulness | None = None


class HeatmapFailure(_Value):
    """Why there is no heatmap: a code for programs and a sentence for people."""

    code: Text
    message: Text


class FailedHeatmap(_Record):
    """A heatmap that could not be made."""

    status: Literal["failed"] = "failed"
    error: HeatmapFailure


HeatmapRecord = Annotated[QueuedHeatmap | DoneHeatmap | FailedHeatmap, Field(discriminator="status")]

_RECORD: TypeAdapter[QueuedHeatmap | DoneHeatmap | FailedHeatmap] = TypeAdapter(HeatmapRecord)

parse_heatmap_record: Callable[[str | bytes], QueuedHeatmap | DoneHeatmap | FailedHeatmap] = _RECORD.validate_json
"""Reads a record from its JSON; raises pydantic's `ValidationError` for anything else."""
