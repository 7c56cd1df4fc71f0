"""Uploaded models: published once, refused without a trace, and resumed wherever they were cut off."""

import json
import os
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from functions.publish.publisher import Compile, UnservableError
from model_store.golden import GoldenCaseError
from model_store.items import Item
from model_store.publications import PublicationStatus
from model_store.runtime.compiling import CompilerCrashError
from model_store.store import Manifest, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from tests.unit.functions.fakes import FakeObjects, FakeTable
from tests.unit.functions.publishing import (
    FOLDER,
    WISHES,
    changed_manifest,
    compile_quickly,
    publish_upload,
    publisher,
    upload_files,
    uploaded,
)
from tests.unit.store import processes
from tests.unit.store.samples import REFERENCE, litter, publish, publish_ensemble

type Files = dict[str, bytes]
type Tree = dict[str, bytes]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An upload that wishes to join `default` and to move `live`."""
    return upload_files(tmp_path_factory.mktemp("scratch"), **WISHES)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store that serves another model."""
    store = ModelStore(tmp_path / "store")
    publish(store, "1.0")
    store.set_alias("live", publish_ensemble(store, "resmem@1.0").ref)
    return store.root


@pytest.fixture
def table() -> FakeTable:
    return FakeTable()


def tree(root: Path) -> Tree:
    """Every file that a reader of the store can see."""
    paths = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def record(table: FakeTable, version: str = "2.0") -> Item:
    return table.items["PUBLICATION#vitmem", version]


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


def crash(_folder: Path, manifest: Manifest) -> None:
    raise CompilerCrashError(f"compiling {manifest.ref} for AVX2 ended with -9")


def interrupted_then_overtaken(root: Path, files: Files, table: FakeTable, newer: Files) -> None:
    """The upload of 2.0 is interrupted, and that of 2.1 published, before Lambda tries the first again."""
    with pytest.raises(CompilerCrashError):
        publisher(root, files, table, crash).publish(uploaded("1"))
    publisher(root, newer, table).publish(uploaded("2", "2.1"))


def test_a_retried_upload_is_published_and_does_not_take_the_place_of_a_later_one(
    root: Path, files: Files, table: FakeTable, tmp_path: Path
) -> None:
    newer = upload_files(tmp_path / "newer", value=3, version="2.1", **WISHES)
    interrupted_then_overtaken(root, files, table, newer)

    publisher(root, files, table).publish(uploaded("1"))

    store = ModelStore(root)
    assert [str(member) for member in store.ensemble("live").members] == ["resmem@1.0", "vitmem@2.1"]
    assert store.ensemble("default") == store.ensemble("live")
    assert store.verify("vitmem@2.0")
    assert (record(table)["status"], record(table)["ensemble"], record(table)["alias"]) == ("published", None, None)

    publisher(root, files, table).publish(uploaded("3"))
    assert [str(member) for member in store.ensemble("live").members] == ["resmem@1.0", "vitmem@2.0"], "a rollback"


@pytest.mark.parametrize(("alias", "live"), [("canary", "default@2"), ("live", "trial@1")])
def test_a_retried_upload_takes_the_places_that_a_later_one_did_not_ask_for(
    alias: str, live: str, root: Path, files: Files, table: FakeTable, tmp_path: Path
) -> None:
    wishes = {"ensemble": "trial", "alias": alias}
    newer = upload_files(tmp_path / "newer", value=3, version="2.1", **wishes)
    interrupted_then_overtaken(root, files, table, newer)

    publisher(root, files, table).publish(uploaded("1"))

    store = ModelStore(root)
    assert [str(member) for member in store.ensemble("default").members] == ["resmem@1.0", "vitmem@2.0"]
    assert store.aliases() == {alias: "trial@1", "live": live}


def test_a_later_upload_that_was_refused_stands_in_nobodys_way(
    root: Path, files: Files, table: FakeTable, tmp_path: Path
) -> None:
    newer = upload_files(tmp_path / "newer", value=3, version="2.1", **WISHES)
    interrupted_then_overtaken(root, files, table, {k: v for k, v in newer.items() if "params" not in k})
    assert record(table, "2.1")["status"] == "refused"

    publisher(root, files, table).publish(uploaded("1"))

    assert [str(member) for member in ModelStore(root).ensemble("live").members] == ["resmem@1.0", "vitmem@2.0"]


def test_a_member_that_was_removed_does_not_stand_in_the_way(root: Path, files: Files, table: FakeTable) -> None:
    store = ModelStore(root)
    store.set_alias("live", publish_ensemble(store, "resmem@1.0", name="kept").ref)
    shutil.rmtree(store.path("resmem@1.0"))

    publisher(root, files, table).publish(uploaded())

    assert record(table)["status"] == "published"
    assert [str(member) for member in store.ensemble("live").members] == ["vitmem@2.0"]


def damage_member(root: Path) -> Callable[[], object]:
    """Damages a member of the ensemble that is to be joined; returns what mends it."""
    manifest = ModelStore(root).path("resmem@1.0") / MANIFEST_FILE
    good = manifest.read_bytes()
    manifest.write_bytes(b"{}")
    return lambda: manifest.write_bytes(good)


def damage_ensemble(root: Path) -> Callable[[], object]:
    """Damages the ensemble that is to be joined; returns what mends it."""
    ensemble = root / "ensembles" / "default" / "1.json"
    good = ensemble.read_bytes()
    ensemble.write_bytes(b"{}")
    return lambda: ensemble.write_bytes(good)


@pytest.mark.parametrize("damage", [damage_member, damage_ensemble])
def test_an_ensemble_that_cannot_be_joined_interrupts_before_anything_changes(
    damage: Callable[[Path], Callable[[], object]], root: Path, files: Files, table: FakeTable
) -> None:
    mend = damage(root)
    before = tree(root)

    with pytest.raises(UnservableError, match=r"vitmem@2\.0 cannot join default: "):
        publisher(root, files, table).publish(uploaded())

    assert tree(root) == before
    assert record(table)["status"] == "interrupted"
    mend()
    publisher(root, files, table).publish(uploaded())
    assert ModelStore(root).ensemble("live").ref == "default@2"


def test_a_version_that_is_visible_is_never_recorded_as_refused(root: Path, files: Files, table: FakeTable) -> None:
    mends: list[Callable[[], object]] = []

    def compile_meanwhile(folder: Path, manifest: Manifest) -> None:
        compile_quickly(folder, manifest)
        mends.append(damage_member(root))

    with pytest.raises(UnservableError, match=r"vitmem@2\.0 cannot join default: "):
        publisher(root, files, table, compile_meanwhile).publish(uploaded())

    assert ModelStore(root).manifest("vitmem@2.0")
    assert record(table)["status"] == "interrupted"
    mends[0]()
    publisher(root, files, table).publish(uploaded())
    assert record(table)["status"] == "published"


def test_a_damaged_version_that_is_replaced_does_not_stand_in_the_way(
    root: Path, files: Files, table: FakeTable
) -> None:
    store = ModelStore(root)
    store.join_ensemble("default", publish(store, "1.0", name="vitmem"))
    (store.path("vitmem@1.0") / MANIFEST_FILE).write_bytes(b"{}")

    publisher(root, files, table).publish(uploaded())

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


class CutOffError(Exception):
    """What a test cuts a step off with."""


class Interrupter:
    """Raises at the n-th of the calls that go through it."""

    def __init__(self, step: int) -> None:
        self.steps_left = step

    def __call__(self, *_: object) -> None:
        self.steps_left -= 1
        if self.steps_left == 0:
            raise CutOffError

    def around(self, compile_version: Compile) -> Compile:
        def compile_or_die(folder: Path, manifest: Manifest) -> None:
            self()
            compile_version(folder, manifest)
            self()

        return compile_or_die


def test_cut_off_at_any_request_a_publication_is_resumed(root: Path, files: Files, tmp_path: Path) -> None:
    before, seen = tree(root), 0
    for step in count(1):
        copy, cut, table = tmp_path / f"{step}", Interrupter(step), FakeTable()
        shutil.copytree(root, copy)
        failing = FakeTable(on_write=cut)
        try:
            publisher(copy, FakeObjects(files, cut), failing, cut.around(compile_quickly)).publish(uploaded())
        except CutOffError:
            assert before.items() <= tree(copy).items() or ModelStore(copy).ensemble("live").ref == "default@2"
            assert not ModelStore(copy).models().problems
            assert not litter(copy)
            table.items = failing.items
            publisher(copy, files, table).publish(uploaded())
        after = ModelStore(copy)
        assert after.verify("vitmem").ref == "vitmem@2.0"
        assert after.ensemble("live").ref == "default@2"
        seen += 1
        if cut.steps_left > 0:
            break
    assert seen >= 9, "manifest, two files, before and after compiling, two places, the record, and nothing"


def test_killed_at_any_change_of_the_disk_a_publication_is_resumed(root: Path, files: Files, tmp_path: Path) -> None:
    """As it is when Lambda ends a call: readers see the old state or the new, and the next call gets it done."""
    lay_out(files, tmp_path / "upload")
    before = tree(root)
    visible: list[bool] = []
    for step in count(1):
        copy = tmp_path / f"killed_at_{step}"
        shutil.copytree(root, copy)
        finished = processes.runs_to_the_end(publish_upload, copy, killed_at=step)
        store = ModelStore(copy)
        visible.append("vitmem@2.0" in [store.verify(manifest.ref).ref for manifest in store.models().items])
        assert not store.models().problems
        assert store.ensemble("live").ref in {"default@1", "default@2"}
        if not visible[-1]:
            assert {name: tree(copy)[name] for name in before} == before
        publish_upload(copy)
        assert store.ensemble("live").ref == "default@2"
        assert store.verify("vitmem")
        assert not litter(copy)
        shutil.rmtree(copy)
        if finished:
            break
    assert len(visible) > 20
    assert visible == sorted(visible), "the version went away again"


def lay_out(files: Files, folder: Path) -> None:
    for key, content in files.items():
        path = folder / key.removeprefix(FOLDER)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
