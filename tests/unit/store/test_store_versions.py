"""Versions of models as the store's users see them: found, verified, published, repaired, refused."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_store.store import (
    AlreadyPublishedError,
    CorruptModelError,
    Manifest,
    Measure,
    ModelStore,
    Ref,
    StoreError,
)
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors, write_tensors
from tests.unit.store.samples import (
    accept,
    describe,
    litter,
    parameters,
    publish,
    write_executables,
)

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "volume" / "store", lock_timeout_seconds=1, clock=lambda: NOW)


def test_a_published_version_is_found_by_name_and_by_version(store: ModelStore) -> None:
    published = publish(store, "1.10")
    older = publish(store, "1.9", value=2)
    assert store.manifest("resmem") == published == store.manifest("resmem@1.10")
    assert store.resolve("resmem") == Ref("resmem", "1.10")
    assert store.manifest(Ref("resmem", "1.9")) == older
    assert store.path("resmem") == store.root / "models" / "resmem" / "1.10"
    assert store.models().items == (older, published)
    assert store.models().problems == ()
    assert map_tensors(store.path("resmem@1.9") / PARAMETERS_FILE)["kernel"][0, 0] == 2


def test_the_manifest_answers_for_every_file(store: ModelStore) -> None:
    manifest = publish(store)
    folder = store.path("resmem")
    assert set(manifest.files) == {PARAMETERS_FILE, "extra/labels.txt"}
    for name, digest in manifest.files.items():
        content = (folder / name).read_bytes()
        assert (digest.sha256, digest.bytes) == (hashlib.sha256(content).hexdigest(), len(content))


def test_others_may_read_what_was_published(store: ModelStore) -> None:
    publish(store)
    folder = store.path("resmem")
    umask = os.umask(0)
    os.umask(umask)
    assert all(path.stat().st_mode & 0o444 == 0o444 & ~umask for path in (folder, *folder.rglob("*")))


def test_verifying_reads_every_byte_and_tells_how_many(store: ModelStore) -> None:
    manifest = publish(store)
    counts: list[int] = []
    assert store.verify("resmem", counts.append) == manifest
    assert sum(counts) == sum(digest.bytes for digest in manifest.files.values())


@pytest.mark.parametrize("place", [0, 100, -1], ids=["first", "middle", "last"])
def test_one_altered_byte_is_found_and_its_file_named(place: int, store: ModelStore) -> None:
    publish(store)
    path = store.path("resmem") / PARAMETERS_FILE
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptModelError, match=rf"resmem@1.0 .*{PARAMETERS_FILE} has the SHA-256.*models pull resmem"):
        store.verify("resmem")


def test_every_fault_of_a_version_is_named_at_once(store: ModelStore, tmp_path: Path) -> None:
    publish(store)
    folder = store.path("resmem")
    (folder / PARAMETERS_FILE).write_bytes(b"short")
    (folder / "extra" / "labels.txt").unlink()
    (folder / "extra" / "stranger.txt").write_text("hello")
    (tmp_path / "elsewhere").mkdir()
    (folder / "way_out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptModelError) as refused:
        store.verify("resmem")
    for fault in (
        f"{PARAMETERS_FILE} has 5 bytes",
        "extra/labels.txt is missing",
        "extra/stranger.txt is unexpected",
        "way_out is a link",
    ):
        assert fault in str(refused.value)


@pytest.mark.parametrize("name", [PARAMETERS_FILE, "extra"])
def test_a_link_is_refused_even_to_the_right_content(name: str, store: ModelStore, tmp_path: Path) -> None:
    publish(store)
    path = store.path("resmem") / name
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    with pytest.raises(CorruptModelError, match=rf"{name} is a link"):
        store.verify("resmem")


def test_compiled_executables_and_hidden_files_are_not_the_manifests_business(store: ModelStore) -> None:
    publish(store)
    folder = store.path("resmem")
    write_executables(folder / "compiled" / "avx2", "code")
    (folder / ".DS_Store").write_bytes(b"")
    store.verify("resmem")
    (folder / "extra" / "compiled").write_bytes(b"")
    with pytest.raises(CorruptModelError, match=r"extra/compiled is unexpected"):
        store.verify("resmem")


def test_a_broken_version_is_reported_and_the_last_good_one_goes_on_serving(store: ModelStore) -> None:
    good = publish(store, "1.0")
    publish(store, "2.0", value=2)
    (store.root / "models" / "resmem" / "2.0" / "manifest.json").write_text("{")
    (store.root / "models" / "resmem" / "3.0").mkdir()
    (store.root / "models" / "README.txt").write_text("not a model")
    listing = store.models()
    assert listing.items == (good,)
    assert len(listing.problems) == 2
    assert "2.0/manifest.json is no valid manifest" in listing.problems[0]
    assert "3.0 has no manifest.json" in listing.problems[1]
    assert store.manifest("resmem") == good
    with pytest.raises(CorruptModelError, match=r"2.0"):
        store.manifest("resmem@2.0")
    store.remove("resmem@1.0")
    with pytest.raises(CorruptModelError, match=r"3.0 has no manifest"):
        store.manifest("resmem")


def test_a_version_under_another_versions_name_is_refused(store: ModelStore) -> None:
    publish(store, "1.0")
    (store.root / "models" / "resmem" / "1.0").rename(store.root / "models" / "resmem" / "2.0")
    with pytest.raises(CorruptModelError, match=r"is the manifest of resmem@1.0, not of resmem@2.0"):
        store.manifest("resmem@2.0")


def test_publishing_the_same_again_changes_nothing(store: ModelStore) -> None:
    first = publish(store)
    inode = store.path("resmem").stat().st_ino
    assert publish(store) == first
    assert store.path("resmem").stat().st_ino == inode
    assert not litter(store.root)


def test_publishing_something_else_under_the_same_version_is_refused(store: ModelStore) -> None:
    first = publish(store)
    with pytest.raises(AlreadyPublishedError, match=r"resmem@1.0 .*other files;.*new version"):
        publish(store, value=2)
    with pytest.raises(AlreadyPublishedError, match=r"other measure"):
        publish(store, measure=Measure.FALSE_ALARM_RATE)
    assert store.verify("resmem") == first
    assert not litter(store.root)


def test_publishing_again_repairs_a_damaged_version(store: ModelStore) -> None:
    publish(store)
    (store.path("resmem") / PARAMETERS_FILE).write_bytes(b"")
    publish(store)
    store.verify("resmem")
    (store.path("resmem") / "manifest.json").write_text("{")
    publish(store)
    store.verify("resmem")
    assert not litter(store.root)


def test_a_damaged_version_is_repaired_even_when_more_is_known_of_it_now(store: ModelStore) -> None:
    publish(store)
    (store.path("resmem") / PARAMETERS_FILE).write_bytes(b"")
    with store.draft("resmem", "1.0") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, parameters(1.0))
        (draft.path / "extra").mkdir()
        (draft.path / "extra" / "labels.txt").write_text("a label\n")
        draft.commit(describe(citation="Somebody et al. 2022, corrected"), check=accept)
    assert store.verify("resmem").citation == "Somebody et al. 2022, corrected"


class GoldenCaseError(Exception):
    """What a check might raise."""


def test_a_version_that_fails_its_check_never_appears(store: ModelStore) -> None:
    good = publish(store, "1.0")
    seen: list[Path] = []

    def check(folder: Path, manifest: Manifest) -> None:
        seen.append(folder)
        assert manifest.ref == "resmem@2.0"
        assert map_tensors(folder / PARAMETERS_FILE)
        assert store.models().items == (good,)
        raise GoldenCaseError

    with pytest.raises(GoldenCaseError), store.draft("resmem", "2.0") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, parameters(2))
        draft.commit(describe(), check=check)
    assert len(seen) == 1
    assert store.manifest("resmem") == good
    assert not litter(store.root)


def test_a_check_may_add_executables(store: ModelStore) -> None:
    def compile_ahead(folder: Path, manifest: Manifest) -> None:
        (folder / "compiled").mkdir()
        (folder / "compiled" / "executable").write_bytes(b"code")

    with store.draft("resmem", "1.0") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, parameters())
        manifest = draft.commit(describe(), check=compile_ahead)
    assert set(manifest.files) == {PARAMETERS_FILE}
    assert (store.path("resmem") / "compiled" / "executable").read_bytes() == b"code"
    store.verify("resmem")


def test_a_draft_that_is_left_is_dropped(store: ModelStore) -> None:
    with store.draft("resmem", "1.0") as draft:
        (draft.path / PARAMETERS_FILE).write_bytes(b"half")
    assert store.models().items == ()
    assert not litter(store.root)


@pytest.mark.parametrize(
    ("fill", "fault"),
    [
        (lambda folder: None, "files: "),
        (lambda folder: (folder / "link").symlink_to("/etc/hosts"), "remove link"),
        (lambda folder: os.mkfifo(folder / "pipe"), "remove pipe"),
        (lambda folder: (folder / "naïve.txt").touch(), "naïve.txt"),
        (lambda folder: (folder / "compiled").touch(), "compiled"),
    ],
    ids=["nothing", "link", "pipe", "odd name", "file in the place of a folder"],
)
def test_only_plain_files_with_plain_names_are_published(fill, fault: str, store: ModelStore) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CorruptModelError, match=fault), store.draft("resmem", "1.0") as draft:
        fill(draft.path)
        draft.commit(describe(), check=accept)
    assert not litter(store.root)


@pytest.mark.parametrize(("name", "version"), [("../x", "1"), ("x", "../1"), ("x", ".1"), ("", "1"), ("X", "1")])
def test_a_draft_stays_inside_the_store(name: str, version: str, store: ModelStore) -> None:
    with pytest.raises(StoreError, match=r"NAME@VERSION"):
        store.draft(name, version)
    assert not store.root.exists()
