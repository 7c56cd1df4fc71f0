"""A run from photos to a served model, on a network that compiles in a second."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store.images import Preprocessing
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble, Pixels, measure_all
from model_store.runtime.loading import LoadedModel, load_model
from model_store.store import CorruptModelError, EnsembleMeasure, InUseError, Manifest, Measure, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors, write_tensors
from tests.unit import tiny_models
from tests.unit.training.photos import write_dataset
from training.data import Dataset, load_dataset
from training.errors import TrainingError
from training.evaluation.evaluating import evaluate, find_spec, predict, write_evaluation
from training.features.extraction import Progress
from training.heads.settings import HeadSettings
from training.publishing import publish_run, serve_alone
from training.runs import Run
from training.training import TrainingOptions, train

N_PHOTOS = 72
OPTIONS = TrainingOptions(
    name="scenes", trunks=("first",), heads=HeadSettings(components=16, penalties=(0.03, 0.3), folds=3, inner_folds=3)
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    groups = [("beach", "town")[index % 2] for index in range(N_PHOTOS)]
    hits = [str(40 + index % 20) for index in range(N_PHOTOS)]
    extra = {"group": groups, "hits": hits, "trials": ["80"] * N_PHOTOS}
    return load_dataset(write_dataset(tmp_path_factory.mktemp("data") / "scenes", N_PHOTOS, extra=extra))


@pytest.fixture(scope="module")
def run(dataset: Dataset, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return train(ModelStore(published), dataset, OPTIONS, folder / "cache", folder / "run")


@pytest.fixture
def manifest(store: ModelStore, run: Run) -> Manifest:
    return publish_run(store, run, "1")


def test_a_run_learns_and_tells_of_it(run: Run) -> None:
    found = run.record.cross_validation

    assert found.spearman > 0.8
    assert found.ci95[0] < found.spearman < found.ci95[1]
    assert run.record.by_group.keys() == {"beach", "town"}
    assert run.record.ceiling is not None
    assert run.record.trunk_spearman.keys() == {"first@1"}
    assert {path.name for path in run.folder.iterdir()} >= {
        "MODEL_CARD.md", "predictions.csv", "run.json", "scatter.png", "spread.png", "learning_curve.png",
        "penalties.png", "model",
    }  # fmt: skip
    card = (run.folder / "MODEL_CARD.md").read_text()
    assert f"{found.spearman:.3f}" in card
    assert "**Non-commercial use only.**" in card
    assert len((run.folder / "predictions.csv").read_text().splitlines()) == N_PHOTOS + 1


def test_the_description_inherits_and_measures(run: Run) -> None:
    description = run.description

    assert description.trunks == ("first@1",)
    assert not description.licence.commercial_use
    assert "Tiny Non-commercial License" in description.licence.name
    (measured,) = description.performance
    assert (measured.dataset, measured.n) == ("scenes, 3-fold cross-validation", N_PHOTOS)
    assert measured.spearman == run.record.cross_validation.spearman
    assert description.reference is not None
    assert description.calibration is not None


def test_a_published_run_scores_with_all_its_heads(
    store: ModelStore, manifest: Manifest, dataset: Dataset, run: Run
) -> None:
    ensemble = serve_alone(store, manifest)
    assert store.verify(manifest.ref) == manifest
    spec = EnsembleSpec.of_ensemble(store, ensemble.ref)

    predictions = predict(spec, dataset, None)
    evaluation = evaluate(dataset, predictions, predict(find_spec(store, "first"), dataset, Measure.HIT_RATE))

    assert spec.manifests.keys() == {"scenes@1", "first@1"}
    assert evaluation.figures.spearman > run.record.cross_validation.spearman - 0.05
    assert evaluation.figures.interval_coverage is not None
    assert evaluation.comparison is not None
    assert evaluation.comparison.difference > 0
    assert evaluation.groups.keys() == {"beach", "town"}


def test_records_show_every_head(store: ModelStore, manifest: Manifest) -> None:
    ensemble = EnsembleSpec.of_model(store, manifest.ref).load()

    (measures,) = ensemble.measure([cut(image) for image in tiny_models.images(1)])

    result = measures[Measure.HIT_RATE]
    (model,) = result.models
    assert model.heads is not None
    assert len(model.heads) == 5
    assert result.score == model.score == pytest.approx(np.mean(model.heads))
    assert result.spread == pytest.approx(np.std(model.heads))
    assert result.percentile is not None
    assert json.loads(result.model_dump_json())["models"][0]["heads"] == [round(head, 6) for head in model.heads]


def test_heads_read_the_pass_that_scores_their_trunk(store: ModelStore, manifest: Manifest) -> None:
    spec = EnsembleSpec.of_measures(store, "mixed@1", WITH_TRUNK)
    loaded = spec.load()
    passes: list[int] = []
    counted = LoadedEnsemble(spec, {**loaded.models, "first@1": counting(loaded.models["first@1"], passes)})
    photos = [cut(image) for image in tiny_models.images(11)]

    ((first, *_), *_) = measure_all([counted], photos)

    assert passes == [8, 1, 1, 1]  # eleven photos once, in compiled batch sizes
    scores = {model.model: model.score for model in first[Measure.HIT_RATE].models}
    assert scores.keys() == {"first@1", "scenes@1"}
    plain = tiny_models.plain_scores(tiny_models.FIRST, tiny_models.images(11))
    assert scores["first@1"] == pytest.approx(plain[0], abs=tiny_models.SCORE_TOLERANCE)


@pytest.mark.parametrize("heads_first", [True, False])
def test_ensembles_with_and_without_heads_share_a_pass(
    store: ModelStore, manifest: Manifest, *, heads_first: bool
) -> None:
    plain = EnsembleSpec.of_model(store, "first").load()
    heads = EnsembleSpec.of_model(store, manifest.ref).load(plain.models)
    ensembles = [heads, plain] if heads_first else [plain, heads]

    (measured,) = measure_all(ensembles, [cut(image) for image in tiny_models.images(1)])

    named = {result[Measure.HIT_RATE].models[0].model for result in measured}
    assert named == {"first@1", manifest.ref}


def test_a_batch_is_scored_as_its_photos_are_alone(store: ModelStore, manifest: Manifest) -> None:
    model = EnsembleSpec.of_model(store, manifest.ref).load().models[manifest.ref]
    images = tiny_models.images(13)

    together = model(images)

    assert together == pytest.approx([float(model(images[i : i + 1])[0]) for i in range(13)], abs=1e-4)


def test_a_trunk_in_memory_is_shared(store: ModelStore, manifest: Manifest) -> None:
    spec = EnsembleSpec.of_model(store, manifest.ref)
    before = spec.load()

    after = spec.load(before.models)
    anew = spec.load(EnsembleSpec.of_model(store, "first").load().models)

    assert after.models["first@1"] is before.models["first@1"]
    assert after.models["scenes@1"] is before.models["scenes@1"]
    assert anew.models["scenes@1"].trunks[0] is anew.models["first@1"]


def test_a_trunk_stays_as_long_as_heads_need_it(store: ModelStore, manifest: Manifest) -> None:
    second = {Measure.HIT_RATE: EnsembleMeasure(members=("second@1",))}
    store.set_alias("live", store.publish_ensemble("default", second).ref)

    with pytest.raises(InUseError, match=r"first@1 gives its features to scenes@1: remove what needs it first"):
        store.remove("first@1")
    assert store.path("first@1").is_dir()
    store.remove(manifest.ref)
    store.remove("first@1")

    assert not (store.root / "models" / "first" / "1").exists()


def test_a_trunk_in_use_is_not_pruned(store: ModelStore, manifest: Manifest) -> None:
    """Neither served nor among the newest: the old trunk stays for its heads alone, the other old version goes."""
    for name in ("first", "small"):
        shutil.copytree(store.path(f"{name}@1"), store.root / "models" / name / "2")
        document = store.root / "models" / name / "2" / "manifest.json"
        document.write_text(document.read_text().replace('"version": "1"', '"version": "2"'))
    second = {Measure.HIT_RATE: EnsembleMeasure(members=("second@1",))}
    store.set_alias("live", store.publish_ensemble("default", second).ref)

    removed = ModelStore(store.root, clock=lambda: datetime.now(UTC) + timedelta(days=9)).prune(1, timedelta(days=1))

    assert removed == ("small@1",)
    assert EnsembleSpec.of_model(store, manifest.ref).load().models.keys() == {"scenes@1", "first@1"}


def test_heads_of_another_release_are_refused(store: ModelStore, run: Run) -> None:
    """Whose trunk gave another number of features."""
    stored = dict(map_tensors(run.parameters))
    stored["projection_0/kernel"] = stored["projection_0/kernel"][:31]
    with store.draft("older", "1") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, stored)
        with pytest.raises(CorruptModelError, match=r"older@1 reads 31 features of first@1, which gives 32"):
            draft.commit(run.description, check=load_only)


def test_a_killed_run_ends_as_it_would_have_ended(published: Path, dataset: Dataset, run: Run, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    seen: list[Progress] = []

    def kill_after_a_shard(progress: Progress) -> None:
        seen.append(progress)
        if progress.done:
            raise Killed

    arguments = (ModelStore(published), dataset, OPTIONS, tmp_path / "cache", tmp_path / "run")
    with pytest.raises(Killed):
        train(*arguments, kill_after_a_shard)
    with pytest.raises(TrainingError, match=r"holds no finished run: .*run.json is missing"):
        Run.read(tmp_path / "run")
    seen.clear()
    resumed = train(*arguments, seen.append)

    assert seen[0] == Progress("first@1, standard view", 64, N_PHOTOS)
    assert resumed.parameters.read_bytes() == run.parameters.read_bytes()
    assert resumed.record.cross_validation == run.record.cross_validation
    assert (resumed.folder / "predictions.csv").read_text() == (run.folder / "predictions.csv").read_text()


def test_a_test_split_is_measured_and_never_trained_on(published: Path, tmp_path: Path) -> None:
    splits = ["test" if index % 4 == 0 else "train" for index in range(N_PHOTOS)]
    data = load_dataset(write_dataset(tmp_path / "data", N_PHOTOS, extra={"split": splits}))

    trained = train(ModelStore(published), data, OPTIONS, tmp_path / "cache", tmp_path / "run")

    assert trained.record.n_photos == N_PHOTOS * 3 // 4
    assert trained.record.test is not None
    assert trained.record.test.n == N_PHOTOS // 4
    assert trained.record.test.spearman > 0.6
    assert [measured.dataset for measured in trained.description.performance] == [
        "data, 3-fold cross-validation",
        "data, test split",
    ]


def test_what_cannot_be_trained_is_refused(published: Path, dataset: Dataset, tmp_path: Path) -> None:
    store = ModelStore(published)
    few = Dataset("few", dataset.examples[:49])
    with pytest.raises(TrainingError, match=r"few has 49 photos to train on; at least 50 are needed"):
        train(store, few, OPTIONS, tmp_path, tmp_path / "run")
    both = replace(OPTIONS, trunks=("first", "wide"))
    with pytest.raises(TrainingError, match=r"first@1, wide@1 cannot be trunks together"):
        train(store, dataset, both, tmp_path, tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(TrainingError, match=r"mine holds other things than a run"):
        train(store, dataset, OPTIONS, tmp_path, tmp_path / "mine")


def test_an_evaluation_is_written(store: ModelStore, dataset: Dataset, manifest: Manifest, tmp_path: Path) -> None:
    predictions = predict(find_spec(store, manifest.ref), dataset, None)

    write_evaluation(tmp_path / "out", dataset, predictions, evaluate(dataset, predictions))

    assert {path.name for path in (tmp_path / "out").iterdir()} == {"evaluation.json", "scatter.png", "spread.png"}
    with pytest.raises(TrainingError, match=r"default@1 predicts hit_rate, false_alarm_rate; say which with --measure"):
        predict(find_spec(store, "live"), dataset, None)


def load_only(folder: Path, manifest: Manifest) -> None:
    load_model(folder, manifest)


WITH_TRUNK = {Measure.HIT_RATE: EnsembleMeasure(members=("first@1", "scenes@1"))}


def cut(image: np.ndarray) -> Pixels:
    shape = tiny_models.PREPROCESSING
    return {Preprocessing(resize=shape.resize, crop=shape.crop): image}


def counting(model: LoadedModel, passes: list[int]) -> LoadedModel:
    """The model, noting the size of every batch that it sees; it cannot score in any other way."""

    def counted(size: int) -> Callable[..., Any]:
        def see(params: Any, images: np.ndarray) -> Any:
            passes.append(size)
            return model.programs.features[size](params, images)

        return see

    features = {size: counted(size) for size in model.programs.features}
    return replace(model, programs=replace(model.programs, features=features, score={}))
