"""Rows of a listing, whatever format they came in, become examples or problems."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.data.examples import Example, Line, Problem, Split

REQUIRED = ("file", "score")
OPTIONAL = ("hits", "trials", "split", "group")


@dataclass(frozen=True)
class Row:
    """One row as text by column, and where it stands."""

    line: Line
    values: Mapping[str, str]


def to_examples(rows: Iterable[Row], folders: tuple[Path, ...]) -> tuple[list[Example], list[Problem]]:
    """Checks every row; photos are looked for in `folders`, first come first served.

    Returns:
        The examples of the rows that are right, and every problem of the others.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    first: dict[Path, Line] = {}
    for row in rows:
        path = _find(row.values.get("file", ""), folders)
        faults = list(_faults(row, path))
        if path is not None and first.setdefault(path.resolve(), row.line) is not row.line:
            faults.append(f"{row.values['file']} is listed already, at {first[path.resolve()]}")
        problems += [Problem(row.line, fault) for fault in faults]
        if path is not None and not faults:
            examples.append(_example(row, path))
    return examples, problems


def _find(name: str, folders: tuple[Path, ...]) -> Path | None:
    return next((path for folder in folders if name and (path := folder / name).is_file()), None)


def _faults(row: Row, path: Path | None) -> Iterator[str]:
    values = row.values
    missing = [column for column in REQUIRED if not values.get(column)]
    if missing:
        yield f"no {' and no '.join(missing)}"
    elif path is None:
        yield f"there is no photo {values['file']}"
    if score := values.get("score"):
        yield from _score_faults(score)
    yield from _count_faults(values.get("hits"), values.get("trials"))
    if (split := values.get("split")) and split not in set(Split):
        yield f"the split {split!r} is none of {', '.join(Split)}"


def _score_faults(text: str) -> Iterator[str]:
    try:
        score = float(text)
    except ValueError:
        yield f"the score {text!r} is not a number"
        return
    if not 0 <= score <= 1 or math.isnan(score):
        yield f"the score {text} does not lie between 0 and 1"


def _count_faults(hits: str | None, trials: str | None) -> Iterator[str]:
    if not hits and not trials:
        return
    if not hits or not trials:
        yield "hits and trials belong together: one of them is empty"
    elif not (hits.isascii() and hits.isdigit() and trials.isascii() and trials.isdigit()):
        yield f"hits {hits!r} and trials {trials!r} are not whole numbers"
    elif not 0 <= int(hits) <= int(trials) or int(trials) == 0:
        yield f"{hits} hits in {trials} trials are impossible"


def _example(row: Row, path: Path) -> Example:
    values = row.values
    return Example(
        name=values["file"],
        path=path,
        score=float(values["score"]),
        line=row.line,
        hits=int(values["hits"]) if values.get("hits") else None,
        trials=int(values["trials"]) if values.get("trials") else None,
        split=Split(values["split"]) if values.get("split") else None,
        group=values.get("group") or None,
    )
