"""Subjects of a store of tiny models, as the worker explains with them."""

import io
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image

from gpu_worker.device import MAX_BATCH, PHOTO_BYTES, Device
from gpu_worker.explaining import DeviceExplainer, StoreExplainers, in_compiled_sizes
from gpu_worker.ports import UnexplainableError
from model_store.heatmap_items import HeatmapOrigin
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.images import Preprocessing
from model_store.runtime import following
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import Measure, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from tests.unit import tiny_models
from tests.unit.gpu_worker.fakes import FakeCounters, job

CPU = Device("cpu", is_cpu=True, memory_bytes=10**10)
GPU = Device("L4", is_cpu=False, memory_bytes=10**10)
FIRST, LIVE = HeatmapSubject.of_model("first"), HeatmapSubject.of_ensemble("live", Measure.HIT_RATE)
CUT = Preprocessing(resize=18, crop=16)


def photos(count: int) -> list[DecodedPhoto]:
    pixels = tiny_models.images(count)
    return [DecodedPhoto(f"{index}.jpg", 40, 30, {CUT: pixels[index]}) for index in range(count)]


@pytest.fixture
def counters() -> FakeCounters:
    return FakeCounters()


@pytest.fixture
def explainers(store: ModelStore, counters: FakeCounters) -> StoreExplainers:
    return StoreExplainers(store, CPU, counters)


def test_a_map_is_drawn_with_all_that_is_known_of_it(explainers: StoreExplainers) -> None:
    explainer = explainers.get(LIVE)
    place, origin = job(subject=LIVE).place, HeatmapOrigin("v1", "1", Decimal(9))
    found = explainer.explain(Method.GRADCAM, photos(5))
    heatmap = explainer.draw(found[4], photos(5)[4], place, origin, explainer.scale(found))

    assert heatmap.record.models == ("first@1", "second@1")
    keys = place.object_keys(origin, heatmap.record.models)
    assert (heatmap.record.overlay_key, heatmap.record.map_key) == (keys.overlay, keys.map)
    scores = [
        tiny_models.plain_scores(seed, tiny_models.images(5))[4] for seed in (tiny_models.FIRST, tiny_models.SECOND)
    ]
    assert heatmap.record.score == pytest.approx(np.mean(scores), abs=tiny_models.SCORE_TOLERANCE)
    assert Image.open(io.BytesIO(heatmap.overlay)).size == (40, 30)
    read, figures = PhotoMap.from_npz(heatmap.map)
    assert read.values.shape == (16, 16)
    assert figures["scale"] == heatmap.record.scale == explainer.scale(found)


def test_faithfulness_is_measured_where_it_costs_little(explainers: StoreExplainers) -> None:
    subject = explainers.get(FIRST).subject

    (on_gpu,) = DeviceExplainer(subject, GPU).explain(Method.GRADCAM, photos(1))
    (on_cpu,) = DeviceExplainer(subject, CPU).explain(Method.GRADCAM, photos(1))

    assert on_gpu.faithfulness
    assert on_cpu.faithfulness is None


@pytest.mark.parametrize("subject", ["model.nobody", "ensemble.nobody.hit_rate", "model.first@9"])
def test_a_subject_that_is_not_there_is_unexplainable(explainers: StoreExplainers, subject: str) -> None:
    with pytest.raises(UnexplainableError) as caught:
        explainers.get(HeatmapSubject.parse(subject))

    assert caught.value.failure.code == "unknown_subject"


def test_models_are_loaded_once_and_shared(explainers: StoreExplainers, counters: FakeCounters) -> None:
    explainers.get(FIRST)
    explainers.get(LIVE)
    explainers.get(LIVE)

    assert counters.totals["ModelLoadTime"] == 2


def test_models_beyond_the_memory_go(store: ModelStore, counters: FakeCounters) -> None:
    explainers = StoreExplainers(store, Device("cpu", is_cpu=True, memory_bytes=1), counters)
    for name in ("first", "second", "first"):
        explainers.get(HeatmapSubject.of_model(name))

    assert counters.totals["ModelLoadTime"] == 3, "the first one was loaded again"


def test_a_new_version_that_is_broken_leaves_the_old_one_at_work(
    store: ModelStore, explainers: StoreExplainers, counters: FakeCounters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "REFRESH_SECONDS", 0.0)
    explainers.get(LIVE)
    store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
    parameters = store.path("wide") / PARAMETERS_FILE
    parameters.write_bytes(parameters.read_bytes()[:-1] + b"x")

    assert explainers.get(LIVE).subject.spec.members == ("first@1", "second@1")
    assert counters.totals["SubjectsRefused"] == 1


@pytest.mark.parametrize(("count", "sizes"), [(1, [1]), (5, [4, 1]), (64, [64]), (90, [64, 16, 4, 4, 1, 1])])
def test_batches_are_of_sizes_that_are_compiled_anyway(count: int, sizes: list[int]) -> None:
    parts = list(in_compiled_sizes(range(count)))

    assert [len(part) for part in parts] == sizes
    assert [number for part in parts for number in part] == list(range(count))


class TestDevice:
    def test_this_machine_is_known(self) -> None:
        device = Device.find()

        assert device.memory_bytes > 10**9
        assert 0 < device.models_bytes < device.memory_bytes

    @pytest.mark.parametrize(("photos_in_memory", "batch"), [(0, 1), (10, 4), (100, 40), (1000, MAX_BATCH)])
    def test_a_batch_is_as_large_as_the_memory_allows(self, photos_in_memory: int, batch: int) -> None:
        assert Device("GPU", is_cpu=False, memory_bytes=photos_in_memory * PHOTO_BYTES).batch_size == batch
