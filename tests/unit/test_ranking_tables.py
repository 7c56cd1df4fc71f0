"""Rankings in a terminal: what is shown of a file's path."""

import io

import pytest
from rich.console import Console

from memorability.ranking import ranking_tables
from model_store.records import MeasureResult, ModelScore, ScoredRecord
from model_store.store import Measure


def shown(*files: str) -> str:
    result = MeasureResult(score=0.5, percentile=None, spread=0.0, models=(ModelScore(model="a@1", score=0.5),))
    records = [
        ScoredRecord(file=file, width=3, height=2, ensemble="default@1", measures={Measure.HIT_RATE: result})
        for file in files
    ]
    console = Console(file=io.StringIO(), width=120)
    for table in ranking_tables(records):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("files", "folder", "names"),
    [
        (["/photos/spring/a.jpg", "/photos/spring/b.jpg"], "/photos/spring/", ["a.jpg", "b.jpg"]),
        (["/photos/spring/a.jpg", "/photos/b.jpg"], "/photos/", ["spring/a.jpg", "b.jpg"]),
        (["/a.jpg"], "/", ["a.jpg"]),
    ],
)
def test_a_folder_that_all_files_share_is_told_once(files: list[str], folder: str, names: list[str]) -> None:
    text = shown(*files)
    assert text.count(folder + "\n") + text.count(folder + " ") == 1
    for name in names:
        assert f"│ {name} " in text


@pytest.mark.parametrize("files", [["a.jpg"], ["a.jpg", "spring/b.jpg"], ["/photos/a.jpg", "photos/b.jpg"]])
def test_files_without_a_common_folder_are_shown_as_they_were_named(files: list[str]) -> None:
    text = shown(*files)
    assert "Files are in" not in text
    for file in files:
        assert f"│ {file} " in text
