"""The ranking as one HTML page that needs nothing but a browser: photos, scores, models and their licences."""

import os
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from model_store.errors import MemorabilityError
from model_store.records import FailedRecord, MeasureResult, ScoredRecord
from model_store.store import Manifest, Measure
from model_store.store.atomic import write_file
from model_store.store.manifest import ReferenceDistribution

if TYPE_CHECKING:
    from jinja2 import Template

TIE_DECIMALS = 4  # finer differences are within what storing the weights compactly changes


class ReportError(MemorabilityError):
    """The page cannot be written."""


@dataclass(frozen=True)
class ReportPhoto:
    """A photo's record and, for the page, its picture as a small JPEG; None shows an empty frame."""

    record: ScoredRecord | FailedRecord
    thumbnail: bytes | None


@dataclass(frozen=True)
class _Wording:
    """How the page speaks of a measure."""

    label: str
    order: str


_WORDING: Mapping[Measure, _Wording] = {
    Measure.HIT_RATE: _Wording("hit rate", "most memorable first"),
    Measure.FALSE_ALARM_RATE: _Wording("false-alarm rate", "fewest false alarms first"),
}


@dataclass(frozen=True)
class _RankedPhoto:
    rank: int
    tied: bool
    place: float  # on the line of all photos, 0 to 100
    name: str
    record: ScoredRecord
    thumbnail: bytes | None


@dataclass(frozen=True)
class _Ranking:
    """Scored photos, best first.

    Attributes:
        measures: what the photos were scored for; the first ranks them.
        compared: whether there are percentiles, so that places are these and not the scores themselves.
        photos: at least one.
    """

    measures: tuple[Measure, ...]
    compared: bool
    photos: tuple[_RankedPhoto, ...]

    @property
    def measure(self) -> Measure:
        return self.measures[0]

    @property
    def has_spread(self) -> bool:
        results = self.photos[0].record.measures.values()
        return any(len(result.models) > 1 for result in results)


def write_report(
    path: Path,
    photos: Sequence[ReportPhoto],
    manifests: Sequence[Manifest],
    created_at: datetime,
    references: Sequence[ReferenceDistribution] = (),
) -> None:
    """Write the page; a reader of `path` sees the old page or the new one, and nothing between.

    Photos are ranked by hit rate, highest first, or where they have none by false-alarm rate, lowest first.

    Args:
        path: the HTML file; missing folders are made.
        photos: in any order; all scored by one ensemble.
        manifests: of every model that the records name.
        created_at: what the page is dated.
        references: what the percentiles are relative to; the page describes them.

    Raises:
        ReportError: the file cannot be written.
    """
    names = _shown_names([photo.record.file for photo in photos])
    page = _template().render(
        ranking=_rank(photos, names),
        failed=[photo.record for photo in photos if isinstance(photo.record, FailedRecord)],
        names=names,
        manifests={manifest.ref: manifest for manifest in manifests},
        references=references,
        wording=_WORDING,
        created_at=created_at,
    )
    try:
        write_file(path, page)
    except OSError as error:
        raise ReportError(
            f"The report {path} cannot be written ({error.strerror}); give --report a file that may be written."
        ) from error


def _shown_names(files: Sequence[str]) -> dict[str, str]:
    """Name files without the folders they all lie in: a page that is passed on tells nobody's home folder."""
    paths = {file: PurePath(file).parts for file in files}
    shared = len(os.path.commonprefix([parts[:-1] for parts in paths.values()]))
    return {file: PurePath(*parts[shared:]).as_posix() for file, parts in paths.items()}


def _rank(photos: Sequence[ReportPhoto], names: Mapping[str, str]) -> _Ranking | None:
    """Rank the scored photos as in sport (1, 2=, 2=, 4); tied photos keep their order."""
    scored = [(photo.record, photo.thumbnail) for photo in photos if isinstance(photo.record, ScoredRecord)]
    if not scored:
        return None
    measures = tuple(measure for measure in Measure if measure in scored[0][0].measures)
    results = [record.measures[measures[0]] for record, _ in scored]
    keys = [_sort_key(result, measures[0]) for result in results]
    ordered = sorted(keys)
    ranked = [
        _RankedPhoto(
            rank=bisect_left(ordered, key) + 1,
            tied=ordered.count(key) > 1,
            place=_place(result),
            name=names[record.file],
            record=record,
            thumbnail=picture,
        )
        for (record, picture), result, key in zip(scored, results, keys, strict=True)
    ]
    compared = all(result.percentile is not None for result in results)
    return _Ranking(measures, compared, tuple(sorted(ranked, key=lambda photo: photo.rank)))


def _sort_key(result: MeasureResult, measure: Measure) -> float:
    score = round(result.score, TIE_DECIMALS)
    return score if measure.lower_is_better else -score


def _place(result: MeasureResult) -> float:
    return 100 * min(max(result.score, 0.0), 1.0) if result.percentile is None else result.percentile


def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("memorability"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "number": _number, "jpeg_uri": _jpeg_uri, "moment": _moment}
    environment.tests["web_address"] = _is_web_address
    return environment.get_template("report.html.j2")


def _share(percentile: float) -> str:
    """Say which share of the reference photos a percentile is, never more than it is."""
    if percentile in {0.0, 100.0}:
        return "all" if percentile else "none"
    if 1 <= percentile < 99:
        return f"{int(round(percentile, 1))} %"
    return f"{min(max(percentile, 0.1), 99.9):.1f} %"


def _number(value: float, decimals: int = 3) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def _jpeg_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode('ascii')}"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M %Z}".rstrip()


def _is_web_address(address: str | None) -> bool:
    return address is not None and urlsplit(address).scheme in {"http", "https"}
