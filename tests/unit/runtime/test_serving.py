"""Ensembles kept in memory: shared, followed, refused and dropped."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from model_store.images import ImageErrorCode, Preprocessing
from model_store.records import FailedRecord, Failure, ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble
from model_store.runtime.loading import LoadedModel
from model_store.runtime.scoring import DecodedPhoto, score_with_all
from model_store.runtime.serving import MAX_ENSEMBLES, REFRESH_SECONDS, RETRY_SECONDS, EnsembleServer
from model_store.store import CorruptModelError, ModelStore, NotFoundError
from model_store.store.layout import PARAMETERS_FILE
from tests.unit import tiny_models

CUT = Preprocessing(resize=18, crop=16)


class Observed:
    """A server whose time is set by hand, and what it told."""

    def __init__(self, store: ModelStore) -> None:
        self.now = 1000.0
        self.loaded: list[str] = []
        self.refused: list[str] = []
        self.server = EnsembleServer(
            store,
            on_load=lambda ensemble, _seconds: self.loaded.append(ensemble.spec.ref),
            on_refusal=lambda _serving, error: self.refused.append(type(error).__name__),
            clock=lambda: self.now,
        )

    def get(self, ref: str = "live", after: float = 0) -> LoadedEnsemble:
        self.now += after
        return self.server.get(ref)


@pytest.fixture
def observed(store: ModelStore) -> Observed:
    return Observed(store)


def publish_next(store: ModelStore) -> str:
    """Moves `live` to an ensemble with one member more."""
    return store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref).ref


def test_an_ensemble_is_loaded_once(observed: Observed) -> None:
    assert observed.get() is observed.get(after=10 * REFRESH_SECONDS)
    assert observed.loaded == ["default@1"]


def test_threads_that_ask_at_once_wait_for_one_load(observed: Observed) -> None:
    with ThreadPoolExecutor(4) as pool:
        ensembles = list(pool.map(lambda _: observed.get(), range(4)))
    assert len({id(ensemble) for ensemble in ensembles}) == 1
    assert observed.loaded == ["default@1"]


def test_names_of_one_ensemble_share_its_models(observed: Observed) -> None:
    live, by_name = observed.get("live"), observed.get("default@1")
    assert live.models["first@1"] is by_name.models["first@1"]


def test_a_new_version_shares_what_it_has_in_common_with_the_old_one(store: ModelStore, observed: Observed) -> None:
    old = observed.get()
    publish_next(store)

    assert observed.get(after=REFRESH_SECONDS - 1) is old
    new = observed.get(after=1)

    assert (old.spec.ref, new.spec.ref) == ("default@1", "default@2")
    assert new.models["first@1"] is old.models["first@1"]
    assert "wide@1" in new.models


def test_a_version_that_cannot_be_loaded_is_tried_again_later(store: ModelStore, observed: Observed) -> None:
    old = observed.get()
    publish_next(store)
    parameters = store.path("wide") / PARAMETERS_FILE
    content = parameters.read_bytes()
    parameters.write_bytes(content[:-1])

    assert observed.get(after=REFRESH_SECONDS) is old
    parameters.write_bytes(content)
    assert observed.get(after=REFRESH_SECONDS) is old, "it was read again too soon"
    assert observed.refused == ["CorruptModelError", "CorruptModelError"]

    assert observed.get(after=RETRY_SECONDS).spec.ref == "default@2"


def test_another_version_is_taken_at_once_after_a_refused_one(store: ModelStore, observed: Observed) -> None:
    observed.get()
    publish_next(store)
    (store.path("wide") / PARAMETERS_FILE).unlink()
    observed.get(after=REFRESH_SECONDS)
    mended = store.join_ensemble("mended", store.manifest("second"))
    store.set_alias("live", mended.ref)

    assert observed.get(after=REFRESH_SECONDS).spec.ref == "mended@1"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda root: (root / "aliases" / "live").write_text("nonsense"), id="no reference"),
        pytest.param(lambda root: (root / "aliases" / "live").write_text("default@9"), id="nothing behind it"),
        pytest.param(lambda root: (root / "aliases" / "live").unlink(), id="no alias"),
        pytest.param(lambda root: root.rename(root.with_name("unmounted")), id="no volume"),
    ],
)
def test_whatever_happens_to_the_store_what_is_loaded_serves(
    spoil: Callable[[Path], object], store: ModelStore, observed: Observed
) -> None:
    old = observed.get()
    spoil(store.root)

    assert observed.get(after=REFRESH_SECONDS) is old
    assert len(observed.refused) == 1


def test_without_anything_loaded_the_reason_is_raised_each_time(store: ModelStore, observed: Observed) -> None:
    with pytest.raises(NotFoundError, match="no ensemble or alias lost"):
        observed.get("lost")
    store.join_ensemble("lost", store.manifest("first"))
    assert observed.get("lost").spec.ref == "lost@1"

    (store.path("small") / PARAMETERS_FILE).write_bytes(b"")
    store.join_ensemble("broken", store.manifest("small"))
    for _ in range(2):
        with pytest.raises(CorruptModelError, match="small@1 is refused"):
            observed.get("broken")
    assert observed.refused == []


def test_the_least_recently_asked_ensembles_are_dropped(store: ModelStore, observed: Observed) -> None:
    names = [f"e{number}" for number in range(MAX_ENSEMBLES + 1)]
    for name in names:
        store.join_ensemble(name, store.manifest("first"))
    for name in (*names[:-1], names[0], names[-1]):
        observed.get(name)
    observed.loaded.clear()

    observed.get(names[0])
    observed.get(names[1])

    assert observed.loaded == ["e1@1"]


class CountingModel:
    """Takes the place of a model, and notes how many photos it is shown at a time."""

    gives_features = False

    def __init__(self, model: LoadedModel) -> None:
        self.manifest = model.manifest
        self.batches: list[int] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        return np.full(len(images), 0.5, np.float32)


def test_models_that_ensembles_share_see_a_batch_once(store: ModelStore) -> None:
    store.join_ensemble("lean", store.manifest("second"))
    specs = [EnsembleSpec.of_ensemble(store, ref) for ref in ("live", "lean")]
    models = {ref: CountingModel(model) for ref, model in specs[0].load().models.items()}
    ensembles = [LoadedEnsemble(spec, {ref: models[ref] for ref in spec.manifests}) for spec in specs]  # type: ignore[misc]
    pixels = {CUT: tiny_models.images(1)[0]}
    failure = FailedRecord(file="b", error=Failure(code=ImageErrorCode.EMPTY_FILE, message="b is empty"))

    records = score_with_all(ensembles, [DecodedPhoto("a", 3, 2, pixels), failure, DecodedPhoto("c", 3, 2, pixels)])

    assert {ref: model.batches for ref, model in models.items()} == {"first@1": [2], "second@1": [2], "alarms@1": [2]}
    assert [{name: (record.file, record.status) for name, record in by_name.items()} for by_name in records] == [
        {"default": ("a", "scored"), "lean": ("a", "scored")},
        {"default": ("b", "failed"), "lean": ("b", "failed")},
        {"default": ("c", "scored"), "lean": ("c", "scored")},
    ]
    lean = records[0]["lean"]
    assert isinstance(lean, ScoredRecord)
    assert [model.model for model in lean.measures["hit_rate"].models] == ["second@1"]  # type: ignore[index]


def test_photos_that_all_failed_need_no_network(store: ModelStore) -> None:
    failure = FailedRecord(file="b", error=Failure(code=ImageErrorCode.EMPTY_FILE, message="b is empty"))
    ensemble = LoadedEnsemble(EnsembleSpec.of_ensemble(store, "live"), {})
    assert score_with_all([ensemble], [failure]) == [{"default": failure}]
