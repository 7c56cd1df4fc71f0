"""Uploaded models: published once, served where they wish, or refused without a trace."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.publish.publisher import UnservableError
from model_store.golden import GoldenCaseError
from model_store.publications import PublicationStatus
from model_store.runtime.compiling import CompilerCrashError
from model_store.store import Manifest, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from tests.unit.functions.fakes import FakeTable
from tests.unit.functions.publishing import (
    FOLDER,
    WISHES,
    Files,
    changed_manifest,
    compile_quickly,
    crash,
    publisher,
    record,
    tree,
    upload_files,
    uploaded,
)
from tests.unit.store.samples import REFERENCE, litter, publish


def test_an_upload_becomes_a_version_that_is_served(root: Path, files: Files, table: FakeTable) -> None:
    publisher(root, files, table).publish(uploaded())

    store = ModelStore(root)
    assert store.verify("vitmem").ref == "vitmem@2.0"
    assert (store.path("vitmem") / COMPILED_FOLDER / "avx2" / "score-1").read_text() == "vitmem@2.0"
    assert store.ensemble("live").ref == "default@2"
    assert [str(member) for member in store.ensemble("live").members] == ["resmem@1.0", "vitmem@2.0"]
    assert (record(table)["status"], record(table)["ensemble"], record(table)["alias"]) == (
        "published",
        "default@2",
        "live",
    )
    assert not litter(root)


def test_an_upload_without_wishes_is_there_and_served_by_nobody(root: Path, files: Files, table: FakeTable) -> None:
    publisher(root, changed_manifest(files, ensemble=None, alias=None), table).publish(uploaded())

    assert ModelStore(root).verify("vitmem").ref == "vitmem@2.0"
    assert ModelStore(root).ensemble("live").ref == "default@1"
    assert record(table)["ensemble"] is None


def test_several_members_may_bring_their_reference(root: Path, files: Files) -> None:
    reference = json.loads(REFERENCE.model_dump_json())
    publisher(root, changed_manifest(files, ensemble_reference=reference)).publish(uploaded())
    (measure,) = ModelStore(root).ensemble("live").measures.values()
    assert measure.reference == REFERENCE


def fail_golden(_folder: Path, manifest: Manifest) -> None:
    raise GoldenCaseError(f"{manifest.ref} does not give its golden scores")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(
            lambda f: {**f, FOLDER + MANIFEST_FILE: b"{}"}, "manifest.json is not valid: name", id="no manifest"
        ),
        pytest.param(lambda f: changed_manifest(f, version="2.1"), "is of vitmem@2.1 and lies where", id="elsewhere"),
        pytest.param(lambda f: changed_manifest(f, licence=None), "licence: Field required", id="no licence"),
        pytest.param(lambda f: changed_manifest(f, pickle="x"), "pickle: Extra inputs", id="unknown field"),
        pytest.param(lambda f: changed_manifest(f, ensemble=None), "need the `ensemble`", id="alias alone"),
        pytest.param(lambda f: changed_manifest(f, ensemble="live"), "cannot both be called live", id="same names"),
        pytest.param(
            lambda f: changed_manifest(f, ensemble="live", alias=None), "live is an alias", id="ensemble is an alias"
        ),
        pytest.param(
            lambda f: changed_manifest(f, ensemble="new", alias="default"),
            "default is an ensemble",
            id="alias is an ensemble",
        ),
        pytest.param(
            lambda f: changed_manifest(f, trunks=["resmem@9"]),
            "vitmem@2.0 reads the features of resmem@9, which is not on the volume: publish resmem@9 first",
            id="missing trunk",
        ),
        pytest.param(
            lambda f: {k: v for k, v in f.items() if "params" not in k}, "upload every file", id="missing file"
        ),
        pytest.param(lambda f: spoil_parameters(f, b"x"), "has more than the", id="longer file"),
        pytest.param(lambda f: spoil_parameters(f, b"", cut=1), "do not have the digests", id="shorter file"),
        pytest.param(lambda f: spoil_parameters(f, b"x", cut=1), "do not have the digests", id="altered file"),
        pytest.param(lambda f: {**f, FOLDER + MANIFEST_FILE: bytes(5_000_000)}, "the limit is", id="huge manifest"),
        pytest.param(lambda f: {k: v for k, v in f.items() if MANIFEST_FILE not in k}, "is not there", id="deleted"),
    ],
)
def test_an_upload_at_fault_is_refused_and_leaves_the_volume_as_it_was(
    spoil: Callable[[Files], Files], reason: str, root: Path, files: Files, table: FakeTable
) -> None:
    before = tree(root)

    publisher(root, spoil(files), table).publish(uploaded())

    assert tree(root) == before
    assert record(table)["status"] == "refused"
    assert reason in record(table)["error"]
    assert not litter(root)


def test_a_damaged_trunk_is_no_fault_of_the_upload(root: Path, files: Files, table: FakeTable) -> None:
    manifest = ModelStore(root).path("resmem@1.0") / MANIFEST_FILE
    intact = manifest.read_bytes()
    manifest.write_bytes(b"damaged")
    heads = changed_manifest(files, trunks=["resmem@1.0"], ensemble="heads", alias=None)
    with pytest.raises(UnservableError, match=r"vitmem@2.0 cannot read the features of resmem@1.0"):
        publisher(root, heads, table).publish(uploaded())
    assert record(table)["status"] == "interrupted"

    manifest.write_bytes(intact)
    publisher(root, heads, table).publish(uploaded())

    assert record(table)["ensemble"] == "heads@1"


def spoil_parameters(files: Files, tail: bytes, cut: int = 0) -> Files:
    key = FOLDER + PARAMETERS_FILE
    return {**files, key: files[key][: len(files[key]) - cut] + tail}


def test_a_model_that_fails_its_golden_cases_is_refused(root: Path, files: Files, table: FakeTable) -> None:
    before = tree(root)
    publisher(root, files, table, fail_golden).publish(uploaded())

    assert tree(root) == before
    assert "GoldenCaseError: vitmem@2.0 does not give its golden scores" in record(table)["error"]


def test_published_versions_never_change(root: Path, files: Files, table: FakeTable, tmp_path: Path) -> None:
    publisher(root, files, table).publish(uploaded("1"))
    before = tree(root)

    publisher(root, upload_files(tmp_path / "other", value=3, **WISHES), table).publish(uploaded("2"))

    assert tree(root) == before
    assert "published already, with other files" in record(table)["error"]


def test_a_damaged_version_is_put_right_by_the_same_upload(root: Path, files: Files) -> None:
    publisher(root, files).publish(uploaded("1"))
    good = tree(root)
    (ModelStore(root).path("vitmem") / PARAMETERS_FILE).write_bytes(b"damaged")

    publisher(root, files).publish(uploaded("2"))

    assert tree(root) == good


def test_doubled_and_late_events_change_nothing(root: Path, files: Files, table: FakeTable) -> None:
    publish_it = publisher(root, files, table).publish
    publish_it(uploaded("2"))
    store = ModelStore(root)
    store.set_alias("live", "default@1")
    before, known = tree(root), record(table)

    assert publish_it(uploaded("2")) is None
    assert publish_it(uploaded("1")) is None

    assert tree(root) == before, "a double moved the alias back"
    assert record(table) == known


def test_a_refused_upload_is_not_tried_again_before_it_changes(root: Path, files: Files, table: FakeTable) -> None:
    bad = spoil_parameters(files, b"x")
    publisher(root, bad, table).publish(uploaded("1"))
    assert publisher(root, files, table).publish(uploaded("1")) is None

    publisher(root, files, table).publish(uploaded("2"))

    assert record(table)["status"] == "published"


def test_uploading_an_older_version_again_rolls_back(root: Path, files: Files, table: FakeTable) -> None:
    publisher(root, files, table).publish(uploaded("1"))
    store = ModelStore(root)
    newer = publish(store, "3.0", name="vitmem", value=3)
    store.set_alias("live", store.join_ensemble("default", newer).ref)

    publisher(root, files, table).publish(uploaded("2"))

    assert [str(member) for member in store.ensemble("live").members] == ["resmem@1.0", "vitmem@2.0"]


def test_another_upload_gives_a_published_version_the_executables_that_it_lacks(root: Path, files: Files) -> None:
    publisher(root, files).publish(uploaded("1"))

    def compile_more(folder: Path, manifest: Manifest) -> None:
        compile_quickly(folder, manifest)
        (folder / COMPILED_FOLDER / "avx512").mkdir()

    publisher(root, files, compile_version=compile_more).publish(uploaded("2"))

    targets = (ModelStore(root).path("vitmem") / COMPILED_FOLDER).iterdir()
    assert sorted(path.name for path in targets) == ["avx2", "avx512"]


def test_a_fault_of_the_platform_is_noted_and_raised_and_the_next_try_succeeds(
    root: Path, files: Files, table: FakeTable
) -> None:
    before = tree(root)
    with pytest.raises(CompilerCrashError):
        publisher(root, files, table, crash).publish(uploaded())
    assert tree(root) == before
    assert record(table)["status"] == "interrupted"
    assert "ended with -9" in record(table)["error"]

    publication = publisher(root, files, table).publish(uploaded())

    assert publication
    assert publication.status is PublicationStatus.PUBLISHED
    assert record(table)["error"] is None


def test_versions_that_nothing_needs_are_removed_afterwards(root: Path, files: Files) -> None:
    store = ModelStore(root)
    for version in ("0.1", "0.2"):
        publish(store, version, name="vitmem", value=float(version))
        os.utime(store.path(f"vitmem@{version}") / MANIFEST_FILE, (0, 0))

    publisher(root, files, keep=2).publish(uploaded())

    assert [manifest.ref for manifest in store.models().items] == ["resmem@1.0", "vitmem@0.2", "vitmem@2.0"]


def test_what_served_until_now_stays_until_the_next_publication(root: Path, files: Files) -> None:
    store = ModelStore(root)
    old = publish(store, "0.1", name="vitmem", value=0.1)
    store.set_alias("live", store.join_ensemble("default", old).ref)
    os.utime(store.path("vitmem@0.1") / MANIFEST_FILE, (0, 0))

    publisher(root, files, keep=1).publish(uploaded("1"))
    assert "vitmem@0.1" in [manifest.ref for manifest in store.models().items]

    publisher(root, files, keep=1).publish(uploaded("2"))
    assert "vitmem@0.1" not in [manifest.ref for manifest in store.models().items]


def test_a_broken_alias_stops_pruning_and_no_publication(
    root: Path, files: Files, table: FakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "aliases" / "other").write_text("nonsense")

    publisher(root, changed_manifest(files, ensemble=None, alias=None), table).publish(uploaded())

    assert record(table)["status"] == "published"
    assert "nothing is going to be pruned" in caplog.text
