"""The ranking as terminal tables."""

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from rich.markup import escape
from rich.table import Table

from model_store.records import FailedRecord, ScoredRecord
from model_store.store import Measure

TITLES = {
    Measure.HIT_RATE: "Memorability (hit rate), most memorable first",
    Measure.FALSE_ALARM_RATE: "False-alarm rate, fewest false alarms first",
}


def ranked(records: Iterable[ScoredRecord | FailedRecord], measure: Measure) -> list[ScoredRecord]:
    """The scored records that have the measure, best first."""
    scored = [record for record in records if isinstance(record, ScoredRecord) and measure in record.measures]
    return sorted(scored, key=lambda record: record.measures[measure].score, reverse=not measure.lower_is_better)


def ranking_tables(records: Iterable[ScoredRecord | FailedRecord]) -> list[Table]:
    """One table a measure, in the order of `Measure`; none where nothing was scored."""
    records = list(records)
    return [_table(measure, rows) for measure in Measure if (rows := ranked(records, measure))]


def _table(measure: Measure, rows: Sequence[ScoredRecord]) -> Table:
    models = [result.model for result in rows[0].measures[measure].models]
    several = len(models) > 1
    table = Table(title=TITLES[measure], title_justify="left", title_style="bold")
    for column in ("rank", "score", "percentile", *(("spread", *models) if several else ())):
        table.add_column(column, justify="right")
    table.add_column("file", overflow="fold")
    folder = _common_folder([record.file for record in rows])
    if folder:
        table.caption, table.caption_justify = f"Files are in {escape(folder)}", "left"
    for rank, record in enumerate(rows, 1):
        result = record.measures[measure]
        percentile = "–" if result.percentile is None else f"{result.percentile:.1f}"
        members = (f"{result.spread:.3f}", *(f"{m.score:.4f}" for m in result.models)) if several else ()
        table.add_row(str(rank), f"{result.score:.4f}", percentile, *members, escape(record.file.removeprefix(folder)))
    return table


def _common_folder(files: Sequence[str]) -> str:
    """The folder that all files are in, with a separator at its end; empty where they have none in common."""
    try:
        common = os.path.commonpath([PurePath(file).parent for file in files])
    except ValueError:  # some paths are absolute, others are not
        return ""
    folder = f"{common.rstrip(os.sep)}{os.sep}" if common else ""
    return folder if all(file.startswith(folder) for file in files) else ""
