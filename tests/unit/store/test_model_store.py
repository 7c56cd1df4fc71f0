"""The store as its users see it: ensembles, aliases, removal, and what it says when something is missing."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_store.store import (
    CorruptModelError,
    EnsembleMeasure,
    InUseError,
    Measure,
    ModelStore,
    NotFoundError,
    StoreError,
)
from model_store.store.hashing import sha256_file
from tests.unit.store import processes
from tests.unit.store.changes import publish_second, read_everything, read_in_vain
from tests.unit.store.samples import (
    litter,
    publish,
    publish_ensemble,
)

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "volume" / "store", lock_timeout_seconds=1, clock=lambda: NOW)


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
