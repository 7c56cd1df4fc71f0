"""What a heatmap explains: the score of one model, or one measure of an ensemble."""

import re
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_serializer, model_validator

from model_store.errors import MemorabilityError
from model_store.store.manifest import Measure
from model_store.store.references import NAME_PATTERN, VERSION_PATTERN

_REF_PATTERN = rf"{NAME_PATTERN}(?:@{VERSION_PATTERN})?"
_SLUG = re.compile(rf"model\.(?P<model>{_REF_PATTERN})|ensemble\.(?P<ensemble>{_REF_PATTERN})\.(?P<measure>[a-z_]+)")

AnyRef = Annotated[str, StringConstraints(pattern=rf"^{_REF_PATTERN}$")]
"""`NAME` or `NAME@VERSION`; of an ensemble also an alias."""


class SubjectError(MemorabilityError):
    """A text that stands for no subject of a heatmap."""


class HeatmapSubject(BaseModel):
    """Either `model`, or `ensemble` together with `measure`; its JSON holds those that are given and no nulls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: AnyRef | None = None
    ensemble: AnyRef | None = None
    measure: Measure | None = None

    @model_validator(mode="after")
    def _require_one_kind(self) -> Self:
        of_ensemble = (self.ensemble is not None, self.measure is not None)
        if of_ensemble != (self.model is None, self.model is None):
            raise ValueError('name one model, {"model": …}, or a measure of an ensemble, {"ensemble": …, "measure": …}')
        return self

    @model_serializer
    def _without_nulls(self) -> dict[str, Any]:
        fields = {"model": self.model, "ensemble": self.ensemble, "measure": self.measure}
        return {name: str(value) for name, value in fields.items() if value is not None}

    @classmethod
    def of_model(cls, ref: str) -> Self:
        """The score of one model."""
        return cls(model=ref)

    @classmethod
    def of_ensemble(cls, ref: str, measure: Measure) -> Self:
        """One measure of an ensemble."""
        return cls(ensemble=ref, measure=measure)

    @property
    def slug(self) -> str:
        """What keys and file names hold of it: `model.resmem@1.1.6` or `ensemble.live.hit_rate`; no `#` and no `/`."""
        return f"model.{self.model}" if self.model else f"ensemble.{self.ensemble}.{self.measure}"

    @classmethod
    def parse(cls, slug: str) -> Self:
        """Reads a slug.

        Raises:
            SubjectError: it is none.
        """
        match = _SLUG.fullmatch(slug)
        if match and match["model"]:
            return cls.of_model(match["model"])
        if match and match["measure"] in set(Measure):
            return cls.of_ensemble(match["ensemble"], Measure(match["measure"]))
        raise SubjectError(f"{slug!r} is no subject of a heatmap: write model.REF or ensemble.REF.MEASURE")
