"""A job of the heatmap queue: one photo, one subject, one method.

Who asks for a heatmap writes the queued record first (`model_store.heatmap_items`) and sends the job second. The
message's group stands for the tenant, which makes a standard queue of SQS fair (SQS developer guide, "Amazon SQS fair
queues").
"""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model_store.errors import MemorabilityError
from model_store.heatmap_items import MAX_KEY_BYTES, HeatmapPlace
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.uploads import NotAnUploadError, UploadKey

Text = Annotated[str, Field(min_length=1)]


class MalformedJobError(MemorabilityError):
    """A message that is no heatmap job; the message says what is wrong with it."""


class HeatmapJob(BaseModel):
    """What a heatmap is asked of.

    Attributes:
        tenant: whose photo it is.
        batch: the batch that it belongs to.
        filename: its name there.
        object_version: version of the photo's object, None for the newest, or in a bucket without versions.
        subject: the model or the ensemble's measure that is explained.
        method: how.
        request_id: the request, for logs.
    """

    # Fields that a later release adds are ignored; one that changes the meaning of a job changes the version.
    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    tenant: Text
    batch: Text
    filename: Text
    object_version: Text | None = None
    subject: HeatmapSubject
    method: Method
    request_id: UUID

    @classmethod
    def parse(cls, body: str | bytes) -> Self:
        """Reads a message's body.

        Raises:
            MalformedJobError: it is no job.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            )
            raise MalformedJobError(f"This is no heatmap job: {'; '.join(faults)}.") from error

    def to_json(self) -> str:
        """The body of the message."""
        return self.model_dump_json()

    @property
    def place(self) -> HeatmapPlace:
        """Where the heatmap is to be kept."""
        return HeatmapPlace(UploadKey(self.tenant, self.batch, self.filename), self.subject, self.method)

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        upload = self.place.upload
        try:
            named_alike = UploadKey.parse(str(upload))
        except NotAnUploadError as error:
            raise ValueError(f"{upload} is no uploaded photo: {error}") from error
        if named_alike != upload:
            raise ValueError(f"{upload} is no uploaded photo: tenant and batch may hold no /")
        if not self.place.fits:
            raise ValueError(f"the names are too long together: keys may have {MAX_KEY_BYTES} bytes")
        return self
