"""What is asked of a deployment's publisher, and what it says became of that.

A model version is uploaded to `models/{name}/{version}/`, its files first and a `PublicationRequest` as `manifest.json`
last. The publisher's word is an item of the results table; see `model_store.items`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import ValidationError, model_validator

from model_store.errors import MemorabilityError
from model_store.items import Item
from model_store.store import Manifest
from model_store.store.manifest import ReferenceDistribution, describe_faults
from model_store.store.references import Name


class InvalidRequestError(MemorabilityError):
    """An uploaded manifest that is none, or asks for what cannot be."""


class PublicationRequest(Manifest):
    """A manifest with wishes.

    Attributes:
        ensemble: to join, in place of the model's other versions.
        alias: to point to that ensemble's new version.
        ensemble_reference: distribution of the scores of all the ensemble's members of this measure; without it, a
            lone member brings its own, and several have no percentiles.
    """

    ensemble: Name | None = None
    alias: Name | None = None
    ensemble_reference: ReferenceDistribution | None = None

    @model_validator(mode="after")
    def _wishes_fit(self) -> Self:
        if (self.alias or self.ensemble_reference) and not self.ensemble:
            raise ValueError("`alias` and `ensemble_reference` need the `ensemble` that they are for")
        if self.alias and self.alias == self.ensemble:
            raise ValueError(f"an alias and an ensemble cannot both be called {self.alias}")
        return self

    @classmethod
    def read(cls, text: bytes, name: str, version: str) -> Self:
        """Reads an uploaded manifest.

        Args:
            text: its JSON.
            name: the model that its key names.
            version: likewise.

        Raises:
            InvalidRequestError: the message names every fault.
        """
        try:
            request = cls.model_validate_json(text)
        except ValidationError as error:
            raise InvalidRequestError(f"manifest.json is not valid: {describe_faults(error)}") from error
        if (request.name, request.version) != (name, version):
            raise InvalidRequestError(f"manifest.json is of {request.ref} and lies where {name}@{version} belongs")
        return request

    @classmethod
    def of(cls, manifest: Manifest, ensemble: str, alias: str | None) -> Self:
        """The request to publish a version and to serve it.

        Raises:
            InvalidRequestError: the names are unfit.
        """
        try:
            return cls(**manifest.model_dump(), ensemble=ensemble, alias=alias)
        except ValidationError as error:
            raise InvalidRequestError(f"{manifest.ref} cannot be published so: {describe_faults(error)}") from error


class PublicationStatus(StrEnum):
    """How far a publication came.

    PUBLISHED: the version is there, and serves where it asked to unless a later upload of the model does.
    REFUSED: the upload is at fault; the volume is as it was, and a corrected upload is needed.
    INTERRUPTED: the platform is at fault; it is tried again.
    """

    PUBLISHED = "published"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Publication:
    """What became of an uploaded model.

    Attributes:
        status: how far it came.
        ensemble: the ensemble version (`name@version`) that it has joined.
        alias: the alias that was moved to it.
        error: why it was refused or interrupted.
    """

    status: PublicationStatus
    ensemble: str | None = None
    alias: str | None = None
    error: str | None = None


def publication_item_key(name: str, version: str) -> Item:
    """Key of the item that says what became of a version's publication."""
    return {"pk": f"PUBLICATION#{name}", "sk": version}
