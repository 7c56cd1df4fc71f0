"""What clients send."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from functions.api.limits import (
    MAX_BATCH_NAME_CHARACTERS,
    MAX_ENSEMBLES,
    MAX_FILES,
    MAX_HEATMAP_PHOTOS,
    MAX_HEATMAP_SUBJECTS,
    MAX_HEATMAPS,
    ImageType,
)
from functions.api.names import FileName
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import AnyRef, HeatmapSubject


def _distinct[Thing](things: list[Thing]) -> list[Thing]:
    if doubled := {str(thing) for thing in things if things.count(thing) > 1}:
        raise ValueError(f"given more than once: {', '.join(sorted(doubled))}")
    return things


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a batch's name has no control characters and no line ends")
    return name


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileDeclaration(_Request):
    """A file that is to be uploaded."""

    name: FileName
    bytes: Annotated[int, Field(gt=0, strict=True, description="its size; the deployment's limit is 25 MB unless set")]
    type: ImageType


def _distinct_names(files: list[FileDeclaration]) -> list[FileDeclaration]:
    names = [file.name for file in files]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several files have the name {', '.join(doubled)}; rename all but one")
    return files


Files = Annotated[list[FileDeclaration], Field(min_length=1, max_length=MAX_FILES), AfterValidator(_distinct_names)]


class NewBatch(_Request):
    """A batch that is to be made."""

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_BATCH_NAME_CHARACTERS),
        AfterValidator(_printable),
    ] = Field(examples=["Spring campaign"])
    ensembles: Annotated[list[AnyRef], Field(max_length=MAX_ENSEMBLES), AfterValidator(_distinct)] = Field(
        default=[], description="references of ensembles (`NAME`, `NAME@VERSION` or an alias); none for the default"
    )
    preview_heatmaps: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="whether heatmaps are made together with the scores"
    )
    files: Files


class MoreUploads(_Request):
    """Files of a batch that links are wanted for: new ones, or declared ones whose links expired."""

    files: Files


class HeatmapsRequest(_Request):
    """Heatmaps that are wanted: each subject of each photo by each method."""

    photos: Annotated[list[FileName], Field(min_length=1, max_length=MAX_HEATMAP_PHOTOS), AfterValidator(_distinct)]
    subjects: Annotated[
        list[HeatmapSubject], Field(min_length=1, max_length=MAX_HEATMAP_SUBJECTS), AfterValidator(_distinct)
    ]
    methods: Annotated[list[Method], Field(min_length=1, max_length=len(Method)), AfterValidator(_distinct)] = [
        Method.GRADCAM
    ]

    @model_validator(mode="after")
    def _are_not_too_many(self) -> Self:
        asked = len(self.photos) * len(self.subjects) * len(self.methods)
        if asked > MAX_HEATMAPS:
            raise ValueError(f"{asked} heatmaps are too many for one request, which may ask for {MAX_HEATMAPS}")
        return self
