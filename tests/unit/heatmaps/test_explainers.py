"""Models and ensembles of a store, explained; by networks of a published architecture, small."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_store.heatmaps.explainers import SubjectExplainer, SubjectSpec
from model_store.heatmaps.explaining import Settings, explain, score_images
from model_store.heatmaps.faithfulness import CurveSettings
from model_store.heatmaps.gradcam import NoFeaturesError
from model_store.heatmaps.gradients import PathSettings
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.occlusion import MaskSettings
from model_store.heatmaps.served import ServedExplainer
from model_store.heatmaps.subjects import HeatmapSubject, SubjectError
from model_store.runtime.ensembles import Pixels
from model_store.runtime.loading import load_model
from model_store.store import CorruptModelError, Manifest, Measure, ModelStore, NotFoundError
from model_store.store.compiled import INDEX_FILE
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from tests.unit import tiny_models
from tests.unit.heatmaps import toys

FEW = Settings(PathSettings(steps=8), MaskSettings(pairs=4, cells=4))
LIVE_HIT_RATE = HeatmapSubject.of_ensemble("live", Measure.HIT_RATE)


def load(store: ModelStore, name: str) -> SubjectExplainer:
    return SubjectSpec.of(store, HeatmapSubject.of_model(name)).load()


def cut(explainer: SubjectExplainer, images: Sequence[np.ndarray]) -> list[Pixels]:
    return [dict.fromkeys(explainer.preprocessings, image) for image in images]


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("name", ["first", "small"])
def test_a_model_is_explained_with_the_score_it_gives(published: Path, method: Method, name: str) -> None:
    store = ModelStore(published)
    images = tiny_models.images(3)
    explainer = load(store, name)
    maps = explainer.explain(cut(explainer, list(images)), method, FEW)
    expected = load_model(store.path(name), store.manifest(name))(images)
    np.testing.assert_allclose([found.score for found in maps], expected, atol=1e-5)
    assert {found.values.shape for found in maps} == {(tiny_models.CROP, tiny_models.CROP)}
    assert all(np.isfinite(found.values).all() and found.values.std() > 0 for found in maps)
    assert all(found.relative_disagreement == 0 for found in maps)


def test_an_ensembles_map_is_its_members_mean(published: Path) -> None:
    store = ModelStore(published)
    images = list(tiny_models.images(2))
    spec = SubjectSpec.of(store, LIVE_HIT_RATE)
    assert spec.members == ("first@1", "second@1")
    both, first, second = (explainer for explainer in (spec.load(), load(store, "first"), load(store, "second")))
    found = both.explain(cut(both, images), Method.GRADCAM)
    members = [one.explain(cut(one, images), Method.GRADCAM) for one in (first, second)]
    for index, photo_map in enumerate(found):
        values = np.stack([maps[index].values for maps in members])
        np.testing.assert_allclose(photo_map.values, values.mean(0), atol=1e-5)
        np.testing.assert_allclose(photo_map.disagreement, values.std(0), atol=1e-5)
        assert photo_map.score == pytest.approx(np.mean([maps[index].score for maps in members]))
        assert photo_map.relative_disagreement > 0


def test_an_alias_and_a_measure_say_which_models(published: Path) -> None:
    store = ModelStore(published)
    alarms = SubjectSpec.of(store, HeatmapSubject.of_ensemble("live", Measure.FALSE_ALARM_RATE))
    assert (alarms.members, alarms.measure) == (("alarms@1",), Measure.FALSE_ALARM_RATE)
    assert SubjectSpec.of(store, HeatmapSubject.of_model("alarms")).measure is Measure.FALSE_ALARM_RATE


def test_what_is_not_there_is_refused(store: ModelStore) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        SubjectSpec.of(store, HeatmapSubject.of_model("nobody"))
    store.publish_ensemble("hits", {Measure.HIT_RATE: store.ensemble("live").measures[Measure.HIT_RATE]})
    with pytest.raises(SubjectError, match="hits@1 has no false_alarm_rate; it measures hit_rate"):
        SubjectSpec.of(store, HeatmapSubject.of_ensemble("hits", Measure.FALSE_ALARM_RATE))


def test_an_altered_model_is_refused(store: ModelStore) -> None:
    path = store.path("first") / PARAMETERS_FILE
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptModelError, match=PARAMETERS_FILE):
        load(store, "first")


def test_networks_can_come_from_elsewhere(published: Path) -> None:
    asked: list[str] = []

    def keep(folder: Path, manifest: Manifest) -> Network:
        asked.append(manifest.ref)
        return Network.load(folder, manifest)

    SubjectSpec.of(ModelStore(published), LIVE_HIT_RATE).load(keep)
    assert asked == ["first@1", "second@1"]


def test_a_model_loaded_for_scoring_can_be_explained(published: Path) -> None:
    store = ModelStore(published)
    loaded = load_model(store.path("first"), store.manifest("first"))
    network, fresh = Network.of_loaded(loaded), load(store, "first").networks[0]
    assert network.nbytes == fresh.nbytes == 4 * sum(value.size for value in tiny_models.parameters(3).values())
    image = tiny_models.images(1)
    explained = [
        SubjectExplainer(SubjectSpec.of(store, HeatmapSubject.of_model("first")), (one,)) for one in (network, fresh)
    ]
    first, second = (one.explain(cut(one, list(image)), Method.GRADCAM)[0] for one in explained)
    np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize("method", Method)
def test_executables_explain_as_compiled_networks_do(published: Path, method: Method) -> None:
    store, images = ModelStore(published), list(tiny_models.images(2))
    # The one that was compiled itself: what Grad-CAM compares with lies in the executables.
    spec = SubjectSpec.of(store, HeatmapSubject.of_model("first"))
    served, compiled = ServedExplainer.load(store, spec), spec.load()
    assert served.preprocessings == compiled.preprocessings
    assert served.explained_members(method) == compiled.explained_members(method) == spec.members
    photos = cut(compiled, images)
    for found, expected in zip(served.explain(photos, method, FEW), compiled.explain(photos, method, FEW), strict=True):
        np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-4 * np.abs(expected.values).max())
        assert found.score == pytest.approx(expected.score, abs=tiny_models.SCORE_TOLERANCE)


def test_members_of_other_measures_are_not_read(published: Path) -> None:
    store = ModelStore(published)
    assert ServedExplainer.load(store, SubjectSpec.of(store, LIVE_HIT_RATE)).ensemble.models.keys() == {
        "first@1", "second@1",
    }  # fmt: skip


def test_executables_of_an_earlier_release_leave_gradcam_to_the_compiler(store: ModelStore) -> None:
    for index in (store.path("first") / COMPILED_FOLDER).glob(f"*/{INDEX_FILE}"):
        content = json.loads(index.read_text())
        content["sha256"] = {name: digest for name, digest in content["sha256"].items() if "gradcam" not in name}
        index.write_text(json.dumps(content))
    spec = SubjectSpec.of(store, HeatmapSubject.of_model("first"))
    photos = cut(spec.load(), list(tiny_models.images(1)))

    (found,) = ServedExplainer.load(store, spec).explain(photos, Method.GRADCAM)

    (expected,) = spec.load().explain(photos, Method.GRADCAM)
    np.testing.assert_array_equal(found.values, expected.values)


def test_parameters_as_they_were_learnt_score_like_those_that_are_served(published: Path) -> None:
    # A GPU takes the former, a CPU the latter.
    store = ModelStore(published)
    place, manifest = store.path("first"), store.manifest("first")
    images = tiny_models.images(2)
    learnt, served = (
        score_images(network, images) for network in (Network.as_learnt(place, manifest), Network.load(place, manifest))
    )
    np.testing.assert_allclose(learnt, served, atol=tiny_models.SCORE_TOLERANCE)


def test_gradcam_leaves_heads_out_of_the_map_but_not_out_of_the_score(published: Path) -> None:
    read = np.random.default_rng(1).normal(size=(2, 2, 3)).astype(np.float32)
    marking = toys.network(toys.TwoBranches(), {"read": read})
    linear = toys.network(toys.Linear(), {"weights": toys.left_half()})
    heads = replace(linear, manifest=linear.manifest.model_copy(update={"trunks": ("first@1",), "name": "heads"}))
    spec = SubjectSpec.of(ModelStore(published), LIVE_HIT_RATE)
    both, alone, none = (SubjectExplainer(spec, networks) for networks in ((heads, marking), (marking,), (heads,)))
    photos = cut(both, list(toys.photos(2)))
    assert both.explained_members(Method.GRADCAM) == ("toy@1",)
    assert both.explained_members(Method.OCCLUSION) == ("heads@1", "toy@1")
    expected, others = alone.explain(photos, Method.GRADCAM), heads_scores(heads, photos)
    for found, marked, other in zip(both.explain(photos, Method.GRADCAM), expected, others, strict=True):
        np.testing.assert_array_equal(found.values, marked.values)
        assert found.score == pytest.approx((marked.score + other) / 2, rel=1e-5)
    with pytest.raises(NoFeaturesError, match="marks no features"):
        none.explain(photos, Method.GRADCAM)


def heads_scores(heads: Network, photos: Sequence[Pixels]) -> list[float]:
    images = np.stack([photo[heads.preprocessing] for photo in photos])
    return list(map(float, explain(heads, images, Method.OCCLUSION, FEW).scores))


@pytest.mark.parametrize("name", ["first", "small"])
def test_the_executables_beside_a_model_give_the_same_gradcam(published: Path, name: str) -> None:
    store = ModelStore(published)
    model, images = load_model(store.path(name), store.manifest(name)), tiny_models.images(6)
    assert model.programs.ahead_of_time
    scores, maps = model.explain(images)
    explainer = load(store, name)
    expected = explainer.explain(cut(explainer, list(images)), Method.GRADCAM)
    np.testing.assert_allclose(scores, [found.score for found in expected], atol=1e-5)
    scale = max(np.abs(found.values).max() for found in expected)
    np.testing.assert_allclose(maps, [found.values for found in expected], atol=1e-3 * scale)


def test_faithfulness_of_an_ensembles_maps(published: Path) -> None:
    explainer = SubjectSpec.of(ModelStore(published), LIVE_HIT_RATE).load()
    photos = cut(explainer, list(tiny_models.images(2)))
    maps = explainer.explain(photos, Method.GRADCAM)
    for found in explainer.measure_faithfulness(photos, maps, CurveSettings(steps=4)):
        areas = [
            area for order in (found.map, found.random, found.centre) for area in (order.deletion, order.insertion)
        ]
        assert all(0 < area < 1 for area in areas)
