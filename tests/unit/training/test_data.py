"""Data sets: what is read, what is refused and how the refusal reads."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tests.unit.training.photos import write_dataset, write_photo
from training.data import DataError, Split, load_dataset
from training.data.folds import assign_folds, each_fold
from training.data.photos import Look, group_duplicates
from training.errors import TrainingError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "scenes", 6)


def rewrite(folder: Path, *lines: str) -> Path:
    (folder / "scores.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_folder_with_scores_is_read(folder: Path) -> None:
    dataset = load_dataset(folder)

    assert (dataset.name, len(dataset.examples)) == ("scenes", 6)
    first = dataset.examples[0]
    assert (first.name, first.path) == ("000.png", folder / "images" / "000.png")
    assert first.score == pytest.approx(0.3)
    assert str(first.line) == f"{folder / 'scores.csv'}:2"
    assert len(first.sha256) == 64
    assert dataset.n_near_duplicates == 0
    alone = load_dataset(folder / "scores.csv")
    assert (alone.name, alone.examples) == ("scores", dataset.examples)


def test_optional_columns_are_read(folder: Path) -> None:
    rewrite(folder, "File,Score,hits,trials,split,group", "000.png,0.5,40,80,test,beach", "001.png,0.25,,,,")

    first, second = load_dataset(folder).examples

    assert (first.hits, first.trials, first.split, first.group) == (40, 80, Split.TEST, "beach")
    assert (second.hits, second.trials, second.split, second.group) == (None, None, None, None)


def test_json_lines_are_read(folder: Path) -> None:
    (folder / "scores.csv").unlink()
    rows = [{"file": "000.png", "score": 0.5, "hits": 4, "trials": 8}, {"file": "001.png", "score": 1, "group": None}]
    (folder / "scores.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")

    first, second = load_dataset(folder).examples

    assert (first.score, first.hits, second.score, second.group) == (0.5, 4, 1.0, None)


def test_a_split_of_lamem_is_read(folder: Path) -> None:
    (folder / "scores.csv").unlink()
    (folder / "splits").mkdir()
    for name, photo in {"train_2": "000.png", "val_2": "001.png", "test_2": "002.png", "train_1": "003.png"}.items():
        (folder / "splits" / f"{name}.txt").write_text(f"{photo} 0.75\n")

    dataset = load_dataset(folder, lamem_split=2)

    assert {example.name: example.split for example in dataset.examples} == {
        "000.png": Split.TRAIN,
        "001.png": Split.VALIDATION,
        "002.png": Split.TEST,
    }
    assert [example.name for example in dataset.only((Split.TEST,)).examples] == ["002.png"]


def test_every_problem_is_listed_with_its_line(folder: Path) -> None:
    (folder / "images" / "004.png").write_bytes(b"no picture")
    rewrite(
        folder,
        "file,score,hits,trials,split",
        "000.png,1.5,,,",
        "gone.png,0.5,,,",
        "001.png,nan,3,,dev",
        "002.png,0.5,9,8,",
        "003.png,many,,,",
        "004.png,0.5,,,",
        "005.png,0.5,,,",
        "./005.png,0.5,,,",
        ",,,,",
        "000.png,0.5",
    )

    with pytest.raises(DataError) as refused:
        load_dataset(folder)

    found = [(problem.line.number, problem.message) for problem in refused.value.problems]
    assert found[:3] == [
        (2, "the score 1.5 does not lie between 0 and 1"),
        (3, "there is no photo gone.png"),
        (4, "the score nan does not lie between 0 and 1"),
    ]
    assert {number for number, _ in found} == {2, 3, 4, 5, 6, 7, 9, 10, 11}
    text = str(refused.value)
    for sentence in (
        "hits and trials belong together",
        "the split 'dev' is none of train, val, test",
        "9 hits in 8 trials are impossible",
        "the score 'many' is not a number",
        "scores.csv:9: ./005.png is listed already, at",
        "no file and no score",
        "scores.csv:11: 2 values in 5 columns",
    ):
        assert sentence in text


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        ("file,rating", "no column score; unknown column 'rating'"),
        ("file,score,score", "column score twice"),
        ("", "no column file; no column score"),
    ],
)
def test_a_wrong_header_is_one_problem(folder: Path, header: str, fault: str) -> None:
    with pytest.raises(DataError, match=f"scores.csv:1: {fault}"):
        load_dataset(rewrite(folder, header, "000.png,0.5"))


@pytest.mark.parametrize(
    ("lines", "number", "fault"),
    [
        (['file,score', '000.png,0.5', '"001.png,0.4', *["002.png,0.3"] * 20_000], 3,
         r"reaches line 1\d,\d{3} is no CSV \(field larger than field limit \(131072\)\): an unclosed quote\?"),
        (['file,score', '000.png,0.5', '"001.png,0.4', "002.png,0.3"], 3, "1 values in 2 columns"),
        (['"file,score', *["002.png,0.3"] * 20_000], 1, "no column file; no column score"),
    ],
)  # fmt: skip
def test_a_quote_that_is_not_closed_is_a_problem_of_its_line(
    folder: Path, lines: list[str], number: int, fault: str
) -> None:
    with pytest.raises(DataError, match=f"scores.csv:{number}: .*{fault}"):
        load_dataset(rewrite(folder, *lines))


def test_nobody_can_tell_which_of_two_listings_is_meant(folder: Path) -> None:
    (folder / "other.csv").write_text("file,score\n")

    with pytest.raises(TrainingError, match=r"found: other.csv, scores.csv"):
        load_dataset(folder)
    with pytest.raises(TrainingError, match=r"lists no photos"):
        load_dataset(folder / "other.csv")
    with pytest.raises(TrainingError, match=r"must end in .csv, .jsonl, .txt"):
        load_dataset(folder / "images" / "000.png")


def test_near_duplicates_must_share_a_split(folder: Path) -> None:
    with Image.open(folder / "images" / "000.png") as image:
        image.resize((200, 200)).save(folder / "images" / "copy.jpg", quality=40)
    rewrite(folder, "file,score,split", "000.png,0.5,train", "001.png,0.4,test", "copy.jpg,0.5,test")

    with pytest.raises(DataError, match=r"scores.csv:4: copy.jpg \(split test\) looks like 000.png \(split train") as e:
        load_dataset(folder)
    assert len(e.value.problems) == 1

    rewrite(folder, "file,score", "000.png,0.5", "001.png,0.4", "copy.jpg,0.5")
    dataset = load_dataset(folder)
    assert dataset.n_near_duplicates == 1
    assert [example.duplicates for example in dataset.examples] == [0, 1, 0]


def test_a_flipped_double_must_share_a_split(folder: Path) -> None:
    """Heads learn from the mean of a photo and its mirror image: they would know the flipped one."""
    with Image.open(folder / "images" / "000.png") as image:
        ImageOps.mirror(image).resize((200, 200)).save(folder / "images" / "flipped.jpg", quality=40)
    rewrite(folder, "file,score,split", "flipped.jpg,0.5,train", "001.png,0.4,test", "000.png,0.5,test")

    with pytest.raises(
        DataError, match=r"scores.csv:4: 000.png \(split test\) looks like flipped.jpg \(split train"
    ) as e:
        load_dataset(folder)
    assert len(e.value.problems) == 1

    rewrite(folder, "file,score", "000.png,0.5", "001.png,0.4", "flipped.jpg,0.5")
    assert [example.duplicates for example in load_dataset(folder).examples] == [0, 1, 0]


FAR = (2**64 - 1, 2**64 - 1)


def test_photos_are_alike_through_a_third_one() -> None:
    fingerprints = [(0, 0), (0b111, 0), (0b111, 0b111), (2**40 - 1, 0)]
    looks = [Look("", fingerprint, mirrored=FAR) for fingerprint in fingerprints]

    assert group_duplicates(looks, max_bits=3) == [0, 0, 0, 3]
    assert group_duplicates(looks, max_bits=2) == [0, 1, 2, 3]


def test_photos_are_alike_where_one_is_the_others_mirror_image() -> None:
    looks = [Look("", (0, 0), mirrored=(2**20 - 1, 0)), Look("", FAR, FAR), Look("", (2**20 - 2, 0), mirrored=(1, 0))]

    assert group_duplicates(looks, max_bits=1) == [0, 1, 0]
    assert group_duplicates(looks, max_bits=0) == [0, 1, 2]
    assert group_duplicates([], max_bits=0) == []


@given(st.lists(st.integers(0, 12), min_size=10, max_size=60), st.integers(2, 5))
def test_folds_hold_every_photo_once_and_keep_groups_together(groups: list[int], n_folds: int) -> None:
    folds = assign_folds(groups, n_folds, np.random.default_rng(0))

    for group in set(groups):
        assert len({int(fold) for fold, other in zip(folds, groups, strict=True) if other == group}) == 1
    tested = np.concatenate([test for _, test in each_fold(folds)])
    assert sorted(tested.tolist()) == list(range(len(groups)))


def test_photos_lie_beside_the_list_too(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png", 1, 9)
    (tmp_path / "list.csv").write_text("file,score\na.png,0.5\n")

    assert load_dataset(tmp_path).examples[0].path == tmp_path / "a.png"
