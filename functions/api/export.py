"""Results as CSV, for spreadsheets; pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from functions.api.responses import RankedMeasure
from model_store.items import PhotoRecord
from model_store.records import FailedRecord, ScoredRecord
from model_store.store.manifest import Measure

# Spreadsheets take what begins so for a formula, and run it: OWASP, "CSV Injection".
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for something else

type Cell = str | int | float | None


@dataclass(frozen=True)
class ExportedPhoto:
    """A photo and what one ensemble says about it.

    Attributes:
        name: the photo's.
        kept: the ensemble's record, None where there is none yet.
        measures: what the record says, with the photo's places.
    """

    name: str
    kept: PhotoRecord | None
    measures: Mapping[Measure, RankedMeasure]


def to_csv(photos: Sequence[ExportedPhoto]) -> str:
    """A table with a header: a line for each photo and ensemble, by rank in the first measure, and then the others.

    Text that a spreadsheet could take for a formula begins with an apostrophe.
    """
    measures = [measure for measure in Measure if any(measure in photo.measures for photo in photos)]
    models = {measure: _models(photos, measure) for measure in measures}
    columns = [column for measure in measures for column in _columns(measure, models[measure])]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["photo", "state", "ensemble", "width", "height", *columns, "error_code", "error"])
    writer.writerows([_safe(cell) for cell in _line(photo, models)] for photo in sorted(photos, key=_order))
    return _BYTE_ORDER_MARK + file.getvalue()


def _models(photos: Sequence[ExportedPhoto], measure: Measure) -> list[str]:
    found = (photo.measures[measure].models for photo in photos if measure in photo.measures)
    return sorted({result.model for models in found for result in models})


def _columns(measure: Measure, models: Sequence[str]) -> Iterator[str]:
    yield from (f"{measure}_{figure}" for figure in ("rank", "score", "percentile", "spread"))
    yield from (f"{measure}_{model}" for model in models)


def _line(photo: ExportedPhoto, models: Mapping[Measure, Sequence[str]]) -> Iterator[Cell]:
    record = photo.kept.record if photo.kept else None
    yield from (photo.name, record.status if record else "waiting")
    match record:
        case ScoredRecord():
            yield from (record.ensemble, record.width, record.height)
        case _:
            yield from (photo.kept.ensemble if photo.kept else None, None, None)
    for measure, names in models.items():
        yield from _figures(photo.measures.get(measure), names)
    yield from (record.error.code, record.error.message) if isinstance(record, FailedRecord) else (None, None)


def _figures(result: RankedMeasure | None, models: Sequence[str]) -> Iterator[Cell]:
    if result is None:
        yield from [None] * (4 + len(models))
        return
    figures = result.model_dump(mode="json")  # rounded as everywhere
    scores = {member["model"]: member["score"] for member in figures["models"]}
    yield from (figures[name] for name in ("rank", "score", "percentile", "spread"))
    yield from (scores.get(model) for model in models)


def _order(photo: ExportedPhoto) -> tuple[str, bool, str, float, str]:
    """By ensemble and its version, then by rank in the first measure that there is; what has none comes last."""
    name = photo.kept.ensemble if photo.kept else ""
    rank = next((photo.measures[measure].rank for measure in Measure if measure in photo.measures), float("inf"))
    match photo.kept and photo.kept.record:
        case ScoredRecord(ensemble=ref):
            return (name, False, ref, rank, photo.name)
        case _:
            return (name, True, "", rank, photo.name)


def _safe(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
