"""The manifest that is uploaded with a model: the store's own, and what is to become of the version."""

from typing import Self

from pydantic import ValidationError, model_validator

from model_store.errors import MemorabilityError
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
