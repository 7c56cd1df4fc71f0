"""The store as its users see it: find, verify, publish, remove, and what it says when it cannot."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_store.store import (
    AlreadyPublishedError,
    CorruptModelError,
    EnsembleMeasure,
    InUseError,
    Manifest,
    Measure,
    ModelStore,
    NotFoundError,
    Ref,
    StoreError,
)
from model_store.store.hashing import sha256_file
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors, write_tensors
from tests.unit.store import processes
from tests.unit.store.changes import publish_second, read_everything, read_in_vain
from tests.unit.store.samples import (
    accept,
    describe,
    litter,
    parameters,
    publish,
    publish_ensemble,
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


def test_a_missing_model_is_answered_with_what_there_is_and_how_to_get_it(store: ModelStore) -> None:
    with pytest.raises(NotFoundError, match=r"which holds no models; .*`memorability models pull resmem`"):
        store.manifest("resmem")
    publish(store, "1.0", name="vitmem")
    for call in (store.manifest, store.resolve, store.path, store.verify):
        with pytest.raises(NotFoundError, match=r"no model resmem@7 in .*, which holds vitmem@1.0"):
            call("resmem@7")


def test_a_folder_that_does_not_exist_is_an_empty_store_and_reading_does_not_make_it(
    store: ModelStore,
) -> None:
    assert store.models().items == ()
    assert store.ensembles().items == ()
    assert store.aliases() == {}
    with pytest.raises(NotFoundError, match=r"no ensemble or alias live"):
        store.ensemble("live")
    assert not store.root.exists()


def test_an_ensemble_is_found_by_alias_by_name_and_by_version(store: ModelStore) -> None:
    publish(store, "1.0")
    publish(store, "2.0", value=2)
    first = publish_ensemble(store, "resmem@1.0")
    assert store.set_alias("live", "default") == first
    second = publish_ensemble(store, "resmem@1.0", "resmem@2.0")
    assert (first.ref, second.ref, second.created_at) == ("default@1", "default@2", NOW)
    assert store.ensemble("live") == first == store.ensemble("default@1")
    assert store.ensemble("default") == second
    assert store.ensembles().items == (first, second)
    assert store.set_alias("live", "default") == second == store.ensemble("live")
    assert store.aliases() == {"live": "default@2"}


def test_an_ensemble_with_the_content_of_the_newest_is_not_published_again(store: ModelStore) -> None:
    publish(store, "1.0")
    publish(store, "2.0", value=2)
    first = publish_ensemble(store, "resmem@1.0")
    assert publish_ensemble(store, "resmem@1.0") == first
    publish_ensemble(store, "resmem@2.0")
    assert publish_ensemble(store, "resmem@1.0").ref == "default@3"


def test_the_tenth_version_is_newer_than_the_ninth(store: ModelStore) -> None:
    publish(store, "1.0")
    publish(store, "2.0", value=2)
    refs = [publish_ensemble(store, f"resmem@{1 + i % 2}.0").ref for i in range(11)]
    assert refs[-1] == "default@11" == store.ensemble("default").ref
    assert [ensemble.version for ensemble in store.ensembles().items] == list(range(1, 12))


def test_an_ensembles_members_exist_and_predict_its_measure(store: ModelStore) -> None:
    publish(store, measure=Measure.FALSE_ALARM_RATE)
    with pytest.raises(StoreError, match=r"resmem@1.0 predicts false_alarm_rate .* member for hit_rate"):
        publish_ensemble(store, "resmem@1.0")
    with pytest.raises(NotFoundError, match=r"no model vitmem@1"):
        publish_ensemble(store, "vitmem@1")
    member = EnsembleMeasure(members=("resmem@1.0",))
    assert store.publish_ensemble("default", {Measure.FALSE_ALARM_RATE: member}).version == 1


def test_an_ensemble_and_an_alias_cannot_share_a_name(store: ModelStore) -> None:
    publish(store)
    publish_ensemble(store, "resmem@1.0")
    with pytest.raises(StoreError, match=r"default is an ensemble"):
        store.set_alias("default", "default@1")
    store.set_alias("live", "default@1")
    with pytest.raises(StoreError, match=r"live is an alias"):
        publish_ensemble(store, "resmem@1.0", name="live")


def test_an_alias_points_only_to_what_can_be_loaded(store: ModelStore) -> None:
    with pytest.raises(NotFoundError, match=r"no ensemble or alias default"):
        store.set_alias("live", "default")
    publish(store)
    publish_ensemble(store, "resmem@1.0")
    with pytest.raises(StoreError, match=r"NAME@VERSION"):
        store.set_alias("../live", "default@1")
    assert store.remove("resmem@1.0") == ("default@1",)
    with pytest.raises(NotFoundError, match=r"no model resmem@1.0"):
        store.set_alias("live", "default@1")


@pytest.mark.parametrize("content", ["", "default", "default@1@2", "../x@1", "\udcff"])
def test_an_alias_that_cannot_be_read_is_named_with_the_remedy(content: str, store: ModelStore) -> None:
    (store.root / "aliases").mkdir(parents=True)
    (store.root / "aliases" / "live").write_bytes(os.fsencode(content))
    for call in (store.aliases, lambda: store.ensemble("live")):
        with pytest.raises(CorruptModelError, match=r"aliases/live .*`memorability models alias live ENSEMBLE`"):
            call()


def test_a_broken_ensemble_is_reported_and_not_fatal(store: ModelStore) -> None:
    publish(store)
    good = publish_ensemble(store, "resmem@1.0")
    folder = store.root / "ensembles" / "default"
    (folder / "2.json").write_text("{}")
    (folder / "3.json").write_text((folder / "1.json").read_text())
    (folder / "notes.txt").write_text("mine")
    listing = store.ensembles()
    assert listing.items == (good,)
    assert "2.json is no valid ensemble" in listing.problems[0]
    assert "3.json is the file of default@1, not of default@3" in listing.problems[1]


def test_removing_an_alias(store: ModelStore) -> None:
    publish(store)
    publish_ensemble(store, "resmem@1.0")
    store.set_alias("live", "default")
    store.remove_alias("live")
    assert store.aliases() == {}
    with pytest.raises(NotFoundError, match=r"no alias live in .*, which holds none"):
        store.remove_alias("live")
    with pytest.raises(NotFoundError):
        store.remove_alias("../ensembles/default/1.json")
    assert store.ensemble("default@1")


def test_a_model_that_an_alias_serves_cannot_be_removed(store: ModelStore) -> None:
    publish(store, "1.0")
    publish(store, "2.0", value=2)
    publish_ensemble(store, "resmem@1.0", "resmem@2.0")
    publish_ensemble(store, "resmem@1.0")
    publish_ensemble(store, "resmem@2.0")
    store.set_alias("live", "default@2")
    with pytest.raises(InUseError) as refused:
        store.remove("resmem@1.0")
    assert "resmem@1.0 is being served: live -> default@2" in str(refused.value)
    assert "it is also a member of default@1" in str(refused.value)
    store.verify("resmem@1.0")
    assert store.remove("resmem@2.0") == ("default@1", "default@3")
    assert [manifest.ref for manifest in store.models().items] == ["resmem@1.0"]
    assert not litter(store.root)


def test_what_to_remove_must_be_said_exactly_and_exist(store: ModelStore) -> None:
    publish(store)
    with pytest.raises(StoreError, match=r"Say which version of resmem to remove: 1.0"):
        store.remove("resmem")
    for ref in ("resmem@2.0", "vitmem@1.0"):
        with pytest.raises(NotFoundError, match=rf"no model {ref}"):
            store.remove(ref)
    (store.path("resmem") / "manifest.json").write_text("{")
    store.remove("resmem@1.0")
    assert store.models().problems == ()


def test_an_alias_whose_ensemble_cannot_be_read_stops_removals(store: ModelStore) -> None:
    publish(store)
    publish_ensemble(store, "resmem@1.0")
    store.set_alias("live", "default@1")
    (store.root / "ensembles" / "default" / "1.json").write_text("{}")
    with pytest.raises(CorruptModelError, match=r"default/1.json"):
        store.remove("resmem@1.0")
    store.verify("resmem@1.0")


def test_readers_never_write(store: ModelStore) -> None:
    publish(store)
    publish_ensemble(store, "resmem@1.0")
    store.set_alias("live", "default")
    processes.run_without_writing(read_everything, store.root)
    with pytest.raises(AssertionError):
        processes.run_without_writing(publish_second, store.root)


def test_a_store_that_may_not_be_read_is_named_with_the_remedy(store: ModelStore) -> None:
    publish(store)
    store.root.chmod(0o000)
    processes.run_as_nobody(read_in_vain, store.root)
    store.root.chmod(0o755)


def test_a_store_that_is_no_folder_is_named_with_the_remedy(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.write_text("a file")
    for call in (ModelStore(root).models, ModelStore(root).ensembles, lambda: publish(ModelStore(root))):
        with pytest.raises(StoreError, match=rf"{root} cannot be used: .*; the store must be a folder"):
            call()


def test_a_file_is_hashed_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "large"
    content = os.urandom(9 * 1024 * 1024 + 1)
    path.write_bytes(content)
    counts: list[int] = []
    assert sha256_file(path, counts.append) == hashlib.sha256(content).hexdigest() == sha256_file(path)
    assert sum(counts) == len(content)
    assert len(counts) >= 3
