"""The manifest and the ensemble: what they admit, how they read, and where a score lies in a distribution."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model_store.store.errors import CorruptModelError
from model_store.store.manifest import (
    Ensemble,
    EnsembleMeasure,
    FileDigest,
    Manifest,
    Measure,
    ReferenceDistribution,
    read_document,
    to_json,
)
from tests.unit.store.samples import REFERENCE, describe

DIGEST = FileDigest(sha256="0" * 64, bytes=1)


def a_manifest(**changes: object) -> Manifest:
    fields = {name: getattr(describe(), name) for name in type(describe()).model_fields}
    return Manifest(
        **{"name": "resmem", "version": "1.1.6", "files": {"params.safetensors": DIGEST}, **fields, **changes}
    )


def an_ensemble(*members: str) -> Ensemble:
    measures = {Measure.HIT_RATE: EnsembleMeasure(members=members, reference=REFERENCE)}
    return Ensemble(name="default", version=1, measures=measures, created_at=datetime.now(UTC))


def test_documents_come_back_from_their_files_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "document.json"
    path.write_text(to_json(manifest := a_manifest()))
    assert read_document(Manifest, path) == manifest
    path.write_text(to_json(ensemble := an_ensemble("resmem@1.1.6", "vitmem@1")))
    assert read_document(Ensemble, path) == ensemble
    assert a_manifest().ref == "resmem@1.1.6"
    assert an_ensemble("resmem@1.1.6").ref == "default@1"


def test_the_file_names_the_model_first_and_is_plain_json() -> None:
    written = json.loads(to_json(a_manifest()))
    assert list(written)[:3] == ["schema_version", "name", "version"]
    assert written["measure"] == "hit_rate"
    assert written["provenance"]["imported_at"].endswith("Z")
    assert written["performance"][0]["measured_on"] == "2026-01-02"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"schema_version": 2}, "schema_version: "),
        ({"name": "../etc"}, "name: String should match"),
        ({"name": "a" * 65}, "name: String should match pattern"),
        ({"version": ".hidden"}, "version: String should match"),
        ({"version": "1/2"}, "version: String should match pattern"),
        ({"measure": "beauty"}, "measure: "),
        ({"surprise": 1}, "surprise: "),
        ({"precision": 16}, "precision: "),
        ({"preprocessing": {"resize": 224, "crop": 256}}, "a crop of 256 px does not fit"),
        ({"preprocessing": {"resize": "256", "crop": 224}}, "preprocessing.resize: "),
        ({"golden": [{"seed": 0, "score": math.nan, "tolerance": 1e-6}]}, "golden.0.score: "),
        ({"architecture_settings": {"layers": [1, 2]}}, "architecture_settings.layers"),
        ({"licence": None}, "licence: "),
        ({"files": {}}, "files: "),
        ({"files": {"params.safetensors": {"sha256": "0" * 63, "bytes": 1}}}, "sha256: "),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_and_the_fault_named(
    changes: dict[str, object], fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(to_json(a_manifest())) | changes))
    with pytest.raises(CorruptModelError) as refused:
        read_document(Manifest, path)
    assert str(path) in str(refused.value)
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../other/params.safetensors",
        "a/../../b",
        "a//b",
        "a/",
        "./a",
        ".hidden",
        "a/.hidden",
        "a\\b",
        "a\0b",
        "a\nb",
        "",
        "manifest.json",
        "compiled/x",
    ],
)
def test_a_manifest_lists_only_plain_paths_inside_its_folder(path: str) -> None:
    with pytest.raises(ValidationError, match=r"files"):
        a_manifest(files={path: DIGEST})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b" " * (5 << 20)])
def test_a_file_that_is_no_document_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(CorruptModelError, match=str(path)):
        read_document(Manifest, path)


def test_times_are_kept_in_utc() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    ensemble = Ensemble(name="default", version=1, measures=an_ensemble("a@1").measures, created_at=there)
    assert ensemble.created_at.tzinfo is UTC
    assert ensemble.created_at == there
    with pytest.raises(ValidationError, match=r"created_at"):
        Ensemble(name="a", version=1, measures=ensemble.measures, created_at=there.replace(tzinfo=None))


def test_an_ensemble_has_pinned_and_different_members() -> None:
    with pytest.raises(ValidationError, match=r"counts once only: resmem@1"):
        an_ensemble("resmem@1", "vitmem@1", "resmem@1")
    with pytest.raises(ValidationError, match=r"members"):
        an_ensemble("resmem")
    with pytest.raises(ValidationError, match=r"members"):
        an_ensemble()


def test_values_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match=r"frozen"):
        a_manifest().name = "other"  # type: ignore[misc]


def test_when_and_by_what_it_was_imported_is_no_difference() -> None:
    one = a_manifest()
    provenance = one.provenance.model_copy(
        update={"imported_at": datetime(2020, 1, 1, tzinfo=UTC), "imported_by": "memorability 9"}
    )
    assert one.differences(a_manifest(provenance=provenance)) == []
    other = provenance.model_copy(update={"source_sha256": "1" * 64})
    assert one.differences(a_manifest(provenance=other, citation="")) == ["citation", "provenance"]


@pytest.mark.parametrize(
    ("score", "percentile"),
    [
        (0.0, 0.0),
        (0.4, 0.0),
        (0.4025, 0.5),
        (0.65, 50.0),
        (0.6512, 50.24),
        (0.9, 100.0),
        (math.nextafter(0.9, 0), 100.0),
        (7.0, 100.0),
    ],
)
def test_percentiles_on_a_straight_line(score: float, percentile: float) -> None:
    assert REFERENCE.percentile(score) == pytest.approx(percentile, abs=1e-9)


def a_distribution(quantiles: list[float]) -> ReferenceDistribution:
    return ReferenceDistribution(quantiles=tuple(quantiles), n=101, description="made up")


def test_a_score_that_many_share_lies_in_the_middle_of_them() -> None:
    flat_start = a_distribution([0.5] * 11 + [0.5 + i for i in range(1, 91)])
    assert flat_start.percentile(0.49) == 0
    assert flat_start.percentile(0.5) == 5
    assert flat_start.percentile(1.0) == pytest.approx(10.5)
    assert a_distribution([0.5] * 101).percentile(0.5) == 50


FINITE = st.floats(-1e6, 1e6)
QUANTILES = st.lists(FINITE, min_size=101, max_size=101).map(sorted)


@given(QUANTILES, FINITE, FINITE)
def test_a_percentile_is_in_range_and_never_falls_as_the_score_rises(
    quantiles: list[float], one: float, other: float
) -> None:
    distribution = a_distribution(quantiles)
    low, high = sorted((one, other))
    assert 0 <= distribution.percentile(low) <= distribution.percentile(high) <= 100


def test_a_distribution_has_101_ascending_quantiles() -> None:
    for quantiles in ([0.0] * 100, [1.0] * 50 + [0.0] * 51, [math.nan] * 101):
        with pytest.raises(ValidationError, match=r"quantiles"):
            a_distribution(quantiles)
