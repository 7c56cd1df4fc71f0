"""What clients get."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import Faithfulness, HeatmapFailure
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.records import Failure, MeasureResult
from model_store.store.manifest import Licence, Measure, Performance


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class BatchSummary(_Answer):
    """A batch."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime = Field(description="from when on the batch and its results are forgotten")
    ensembles: tuple[str, ...] = Field(description="references that were asked for; none for the default")
    preview_heatmaps: bool
    declared: int = Field(description="number of files that were declared")


class UploadForm(_Answer):
    """Where and how to upload one file: a POST of multipart/form-data with these fields, then the file as `file`."""

    name: str
    url: str
    fields: Mapping[str, str]
    expires_at: datetime = Field(description="until when an upload may start")


class CreatedBatch(_Answer):
    """A new batch, and a form for each of its files, in the order in which they were declared."""

    batch: BatchSummary
    uploads: tuple[UploadForm, ...]


class Uploads(_Answer):
    """A form for each file, in the order in which they were declared."""

    uploads: tuple[UploadForm, ...]


class BatchesPage(_Answer):
    """Batches, newest first; a page may hold fewer than asked for."""

    batches: tuple[BatchSummary, ...]
    next_cursor: str | None = Field(description="null on the last page")


class Counts(_Answer):
    """How far a batch is; `declared` counts photos that came without being declared, too."""

    declared: int
    scored: int
    failed: int
    waiting: int


class BatchDetail(BatchSummary):
    """A batch and how far it is."""

    counts: Counts


class PhotoState(StrEnum):
    """What became of a photo so far."""

    WAITING = "waiting"
    SCORED = "scored"
    FAILED = "failed"


class RankedMeasure(MeasureResult):
    """An ensemble's result for one measure, and its place among the batch's photos."""

    rank: int = Field(ge=1, description="1 for the best; tied photos share the rank of the best of them")
    tied_with_next: bool = Field(description="whether the photo behind it has the same rank")


class PhotoResult(_Answer):
    """What one ensemble (`name@version`) says about a photo."""

    ensemble: str
    measures: Mapping[Measure, RankedMeasure]


class PhotoHeatmap(_Answer):
    """A heatmap of a photo; what is null is not there yet, or not there for this state."""

    subject: HeatmapSubject
    method: Method
    status: Literal["queued", "done", "failed"]
    models: tuple[str, ...] = ()
    measure: Measure | None = None
    score: float | None = Field(default=None, description="the explained score")
    overlay_url: str | None = Field(default=None, description="transparent PNG to lay over the photo")
    map_url: str | None = Field(default=None, description="the signed map (NPZ, array `map`, float32)")
    scale: float | None = Field(default=None, description="map value that has the full colour")
    disagreement: float | None = None
    faithfulness: Faithfulness | None = None
    error: HeatmapFailure | None = None


class PhotoView(_Answer):
    """A photo of a batch; width and height are its upright size in pixels."""

    name: str
    state: PhotoState
    error: Failure | None = Field(description="why it could not be scored")
    width: int | None
    height: int | None
    thumbnail_url: str | None = Field(description="JPEG of at most 480 pixels; there may be none, then show the photo")
    photo_url: str | None
    results: tuple[PhotoResult, ...]
    heatmaps: tuple[PhotoHeatmap, ...]


class PhotosPage(_Answer):
    """Photos in the order of their names; ranks are among all photos of the batch."""

    photos: tuple[PhotoView, ...]
    next_cursor: str | None = Field(description="null on the last page")


class HeatmapRequested(_Answer):
    """A heatmap that was asked for; `status` is `done` where there is one of this photo already."""

    photo: str
    subject: HeatmapSubject
    method: Method
    status: Literal["queued", "done"]


class HeatmapsRequested(_Answer):
    """The heatmaps of a request."""

    requests: tuple[HeatmapRequested, ...]


class ReferencePhotos(_Answer):
    """The photos that a percentile is relative to."""

    n: int
    description: str


class ModelView(_Answer):
    """A version of a model, on what terms it may be used, and how well it does."""

    ref: str
    name: str
    version: str
    measure: Measure
    architecture: str
    licence: Licence
    citation: str
    training_data: str
    performance: tuple[Performance, ...]
    reference: ReferencePhotos | None


class ModelsPage(_Answer):
    """Models by name, the oldest version first."""

    models: tuple[ModelView, ...]
    next_cursor: str | None = Field(description="null on the last page")


class EnsembleMeasureView(_Answer):
    """The models whose mean is the score, and the photos that its percentile is relative to."""

    members: tuple[str, ...]
    reference: ReferencePhotos | None


class EnsembleView(_Answer):
    """The newest version of an ensemble, or one that an alias stands for."""

    ref: str
    name: str
    version: int
    created_at: datetime
    aliases: tuple[str, ...]
    is_default: bool = Field(description="whether it scores batches that ask for none")
    commercial_use: bool = Field(description="whether the licences of all its models allow commercial use")
    measures: Mapping[Measure, EnsembleMeasureView]


class EnsemblesPage(_Answer):
    """Ensembles by name."""

    ensembles: tuple[EnsembleView, ...]
    next_cursor: str | None = Field(description="null on the last page")
