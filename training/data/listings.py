"""The formats that list photos and scores: CSV, JSON Lines, and the text splits of LaMem.

LaMem (Khosla et al. 2015, "Understanding and Predicting Image Memorability at a Large Scale") comes with
`splits/train_1.txt`, `val_1.txt`, `test_1.txt` to `…_5.txt`, whose lines hold a file of `images/` and its score.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from training.data.examples import Line, Problem, Split
from training.data.rows import OPTIONAL, REQUIRED, Row
from training.errors import TrainingError

_COLUMNS = frozenset(REQUIRED + OPTIONAL)
_LAMEM_FILE = re.compile(rf"({'|'.join(Split)})_(\d+)\.txt")

type Listing = tuple[list[Row], list[Problem]]


def find_listings(data: Path, lamem_split: int) -> list[Path]:
    """The files that list the examples of a data set.

    Args:
        data: a listing, or a folder with a single one, or LaMem's folder, or its `splits`.
        lamem_split: which of LaMem's splits.

    Raises:
        TrainingError: there is none, or nobody can tell which.
    """
    if data.is_file():
        return [data]
    listings = sorted(path for path in data.glob("*") if path.suffix.lower() in {".csv", ".jsonl"})
    lamem = [
        path
        for folder in (data, data / "splits")
        for path in sorted(folder.glob(f"*_{lamem_split}.txt"))
        if _LAMEM_FILE.fullmatch(path.name)
    ]
    if len(listings) == 1 or (lamem and not listings):
        return listings or lamem
    found = ", ".join(path.name for path in listings) or "none"
    raise TrainingError(
        f"{data} must hold one .csv or .jsonl file of photos and scores, or LaMem's splits (found: {found}); "
        "name the file itself, e.g. `memorability train photos/scores.csv --name mine`"
    )


def read_listing(path: Path) -> Listing:
    """Rows of a listing, and a problem for every line that is none.

    Raises:
        TrainingError: the file cannot be read, or is of no known kind.
    """
    readers: dict[str, Callable[[Path], Listing]] = {".csv": _read_csv, ".jsonl": _read_json_lines, ".txt": _read_lamem}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TrainingError(f"{path} is no listing: its name must end in {', '.join(readers)}")
    try:
        return reader(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} cannot be read: {error}; it must be text in UTF-8") from error


def _read_csv(path: Path) -> Listing:
    records, problems = _parse_csv(path)
    (_, header), *others = records or [(Line(path, 1), [])]
    columns = [column.strip().lower() for column in header]
    if wrong := _header_fault(columns):
        return [], [Problem(Line(path, 1), wrong), *problems]
    rows = []
    for line, values in others:
        if len(values) == len(columns):
            rows.append(Row(line, dict(zip(columns, map(str.strip, values), strict=True))))
        elif values:
            problems.append(Problem(line, f"{len(values)} values in {len(columns)} columns"))
    return rows, problems


def _parse_csv(path: Path) -> tuple[list[tuple[Line, list[str]]], list[Problem]]:
    """The values of each row with the line that it begins at, and the problem with which reading ended, if any."""
    records: list[tuple[Line, list[str]]] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        first = 1
        try:
            for values in reader:
                records.append((Line(path, first), values))
                first = reader.line_num + 1
        except csv.Error as error:
            fault = (
                f"the row that begins here and reaches line {reader.line_num:,} is no CSV ({error}): an unclosed quote?"
            )
            return records, [Problem(Line(path, first), fault)]
    return records, []


def _header_fault(columns: list[str]) -> str | None:
    missing = [column for column in REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in _COLUMNS]
    doubled = sorted({column for column in columns if columns.count(column) > 1})
    faults = [f"no column {column}" for column in missing]
    faults += [f"unknown column {column!r}" for column in unknown]
    faults += [f"column {column} twice" for column in doubled]
    if not faults:
        return None
    return f"{'; '.join(faults)}: the first line must name file, score and, if they are known, {', '.join(OPTIONAL)}"


def _read_json_lines(path: Path) -> Listing:
    rows, problems = [], []
    for line, text in _lines(path):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            problems.append(Problem(line, f"this is no JSON: {error}"))
            continue
        if not isinstance(values, dict) or values.keys() - _COLUMNS:
            known = ", ".join((*REQUIRED, *OPTIONAL))
            problems.append(Problem(line, f"this must be an object with no other fields than {known}"))
        else:
            rows.append(Row(line, {name: str(value) for name, value in values.items() if value is not None}))
    return rows, problems


def _read_lamem(path: Path) -> Listing:
    named = _LAMEM_FILE.fullmatch(path.name)
    split = {"split": named[1]} if named else {}
    rows, problems = [], []
    for line, text in _lines(path):
        match text.rsplit(maxsplit=1):
            case [file, score]:
                rows.append(Row(line, {"file": file, "score": score, **split}))
            case _:
                problems.append(Problem(line, "this must be a file, a space and a score"))
    return rows, problems


def _lines(path: Path) -> Iterator[tuple[Line, str]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, 1):
            if text.strip():
                yield Line(path, number), text.strip()
