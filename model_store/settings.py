"""What the environment says, read once; everything that is wrong with it is told at once."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.errors import MemorabilityError

PREFIX = "MEMORABILITY_"

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0)]


class SettingsError(MemorabilityError):
    """Environment variables that are missing or invalid; the message lists all of them."""


class Settings(BaseModel):
    """Settings of one program: a field `store` is read from `MEMORABILITY_STORE`."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=lambda name: PREFIX + name.upper(), validate_default=True
    )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads the settings.

        Raises:
            SettingsError: variables are missing or invalid.
        """
        try:
            return cls.model_validate(dict(environment))
        except ValidationError as error:
            faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False))
            raise SettingsError(f"The environment does not fit this program: {faults}.") from error
