"""What the store says about model versions and ensembles: immutable values with a strict JSON form."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from model_store.store.errors import CorruptModelError
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE
from model_store.store.references import Name, PinnedRef, Ref, Version

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024  # a manifest takes a few kilobytes; more is not a manifest
QUANTILES = 101  # of a reference distribution: the scores at 0, 1, … 100 %

type JsonScalar = str | int | float | bool | None


def _published_path(path: str) -> str:
    parts = path.split("/")
    hidden_or_empty = any(not part or part.startswith(".") for part in parts)
    if hidden_or_empty or not re.fullmatch(r"[A-Za-z0-9._/ +@-]+", path):
        raise ValueError(f"{path!r} is not a plain relative path inside the version's folder")
    if path == MANIFEST_FILE or parts[0] == COMPILED_FOLDER:
        raise ValueError(f"{path!r} is not for the manifest to list")
    return path


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PublishedPath = Annotated[str, AfterValidator(_published_path)]
UtcDatetime = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


class Measure(StrEnum):
    """What a model predicts; different measures are never averaged with each other."""

    HIT_RATE = "hit_rate"
    FALSE_ALARM_RATE = "false_alarm_rate"

    @property
    def lower_is_better(self) -> bool:
        """Whether a ranking puts the lowest score first: nobody wants to be remembered where they never were."""
        return self is Measure.FALSE_ALARM_RATE


class Precision(StrEnum):
    """How parameters are stored: as trained, or narrowed where scores stay within tolerance."""

    FLOAT32 = "float32"
    COMPACT = "compact"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FileDigest(_Value):
    """What a file of the version must hold: `bytes` long, with this SHA-256."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Preprocessing(_Value):
    """Resize to a square of `resize` pixels, then crop the square of `crop` pixels in its centre."""

    resize: int = Field(gt=0)
    crop: int = Field(gt=0)

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.crop > self.resize:
            raise ValueError(f"a crop of {self.crop} px does not fit in a square of {self.resize} px")
        return self


class Licence(_Value):
    """On what terms the weights may be used."""

    name: str = Field(min_length=1)
    url: str | None = None
    commercial_use: bool
    text: str | None = None


class Provenance(_Value):
    """Where the weights came from, and what brought them here."""

    source: str = Field(min_length=1, description="for people, e.g. 'PyPI wheel resmem 1.1.6'")
    source_sha256: Sha256
    imported_by: str = Field(min_length=1, description="tool and version")
    imported_at: UtcDatetime


class Performance(_Value):
    """A measured rank correlation with people, or, as the dataset's name says, with another model.

    Spearman's, with its 95 % confidence interval.
    """

    dataset: str = Field(min_length=1)
    n: int = Field(gt=0, description="images scored")
    spearman: float = Field(ge=-1, le=1)
    ci95: tuple[float, float]
    measured_on: date


class GoldenCase(_Value):
    """A score, within `tolerance`, that the model must give for the input made from `seed`."""

    seed: int = Field(ge=0)
    score: float
    tolerance: float = Field(gt=0)


class SpreadCalibration(_Value):
    """How far people's scores lie from a model's, in units of its spread; measured on photos that it did not see.

    A share of `coverage` of the photos has its score within `factor` times the spread of the model's score.
    """

    factor: float = Field(gt=0)
    coverage: float = Field(gt=0, lt=1)


class ReferenceDistribution(_Value):
    """The scores of `n` reference images, as their quantiles at 0, 1, … 100 %."""

    quantiles: Annotated[tuple[float, ...], Field(min_length=QUANTILES, max_length=QUANTILES)]
    n: int = Field(gt=0)
    description: str = Field(min_length=1)

    @model_validator(mode="after")
    def _quantiles_ascend(self) -> Self:
        if any(low > high for low, high in pairwise(self.quantiles)):
            raise ValueError("the quantiles do not ascend")
        return self

    def percentile(self, score: float) -> float:
        """Return where `score` lies among the reference scores, 0 to 100, linear between quantiles.

        A score that several quantiles share gets the middle of their range.
        """
        first, after = bisect_left(self.quantiles, score), bisect_right(self.quantiles, score)
        if first < after:
            return (first + after - 1) / 2
        if first in {0, QUANTILES}:
            return 0.0 if first == 0 else 100.0
        low, high = self.quantiles[first - 1], self.quantiles[first]
        return first - 1 + (score - low) / (high - low)


class ModelIdentity(_Value):
    """Which model version a manifest speaks of."""

    schema_version: Literal[1] = 1
    name: Name
    version: Version


class ModelDescription(_Value):
    """All that a publisher knows about a model version apart from its name and its files.

    `trunks` are the published versions whose features the model reads: it has no parameters of theirs, and is served in
    their forward pass. `fine_tuned_from` is the version whose parameters the model's own began as.
    """

    measure: Measure
    architecture: str = Field(min_length=1)
    architecture_settings: Mapping[str, JsonScalar] = {}
    trunks: tuple[PinnedRef, ...] = ()
    # Readers of before there was such a field refuse it: manifests that do not need it go without.
    fine_tuned_from: PinnedRef | None = Field(default=None, exclude_if=lambda ref: ref is None)
    preprocessing: Preprocessing
    precision: Precision
    licence: Licence
    citation: str
    training_data: str
    provenance: Provenance
    performance: tuple[Performance, ...] = ()
    reference: ReferenceDistribution | None = None
    calibration: SpreadCalibration | None = None
    golden: tuple[GoldenCase, ...] = ()


class Manifest(ModelDescription, ModelIdentity):
    """A published model version: its description and the digest of every file."""

    files: Annotated[Mapping[PublishedPath, FileDigest], Field(min_length=1)]

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    def differences(self, other: Self) -> list[str]:
        """Name the fields whose content differs.

        When and by what it was imported does not count, nor do golden cases: they may be measured anew, and the files
        decide what they are.
        """
        mine, others = _content(self), _content(other)
        return [field for field in mine if mine[field] != others[field]]


class EnsembleMeasure(_Value):
    """The members (`name@version`) whose mean is the ensemble's score for one measure."""

    members: Annotated[tuple[PinnedRef, ...], Field(min_length=1)]
    reference: ReferenceDistribution | None = None

    @model_validator(mode="after")
    def _members_differ(self) -> Self:
        doubled = [member for member, count in Counter(self.members).items() if count > 1]
        if doubled:
            raise ValueError(f"a member counts once only: {', '.join(doubled)}")
        return self


class Ensemble(_Value):
    """A version of an ensemble: the members of each measure."""

    schema_version: Literal[1] = 1
    name: Name
    version: int = Field(ge=1)
    measures: Annotated[Mapping[Measure, EnsembleMeasure], Field(min_length=1)]
    created_at: UtcDatetime

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def members(self) -> tuple[Ref, ...]:
        """Every model version of every measure, each once."""
        members = (member for measure in self.measures.values() for member in measure.members)
        return tuple(Ref.parse(member) for member in dict.fromkeys(members))


def to_json[Document: (Manifest, Ensemble)](document: Document) -> str:
    """Return the text of a document's file, indented for people."""
    return document.model_dump_json(indent=2) + "\n"


def read_document[Document: (Manifest, Ensemble)](kind: type[Document], path: Path) -> Document:
    """Read a document from its file.

    Raises:
        CorruptModelError: the file is not such a document; the message names file and fields.
        FileNotFoundError: there is no such file.
    """
    with path.open("rb") as file:
        text = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise CorruptModelError(f"{path} is over {MAX_DOCUMENT_BYTES:,} bytes, too long for its kind.")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise CorruptModelError(f"{path} is no valid {kind.__name__.lower()}: {describe_faults(error)}.") from error


def describe_faults(error: ValidationError) -> str:
    """Return every fault that a validation found, each behind the field it is in."""
    faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors(include_url=False)]
    return "; ".join(f"{field}: {message}" if field else message for field, message in faults)


def _content(manifest: Manifest) -> dict[str, object]:
    return manifest.model_dump(exclude={"provenance": {"imported_at", "imported_by"}, "golden": True})
