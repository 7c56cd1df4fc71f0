"""Publications that are cut off, fail for the platform's reasons or overtake one another."""

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from functions.publish.publisher import Compile, UnservableError
from model_store.runtime.compiling import CompilerCrashError
from model_store.store import Manifest, ModelStore
from model_store.store.layout import MANIFEST_FILE
from tests.unit.functions.fakes import FakeObjects, FakeTable
from tests.unit.functions.publishing import (
    FOLDER,
    WISHES,
    Files,
    compile_quickly,
    crash,
    publish_upload,
    publisher,
    record,
    tree,
    upload_files,
    uploaded,
)
from tests.unit.store import processes
from tests.unit.store.samples import litter, publish, publish_ensemble


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
