"""The archives that are deployed: built twice alike, installed by the publisher, run by Lambda's runtime client."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_store.store import EnsembleMeasure, Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER
from tests.e2e.conftest import ROOT, Command
from tests.lambda_host import Container, start_container
from tests.local_aws import ARTEFACTS, LocalAws, local_aws, notification

# What compact storage may cost a score, as the published scores are compared with elsewhere.
TOLERANCE = 0.002

type Packages = dict[str, dict[str, Any]]


def build_packages(out: Path) -> Packages:
    command = [sys.executable, "-m", "scripts.package_lambdas", "--out", str(out), "--json"]
    result = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    packages: Packages = json.loads(result.stdout)["packages"]
    assert packages == json.loads((out / "manifest.json").read_text())
    return packages


@pytest.fixture(scope="module")
def packages() -> Packages:
    return build_packages(ROOT / "build" / "lambda")


@pytest.fixture(scope="module")
def tasks(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The unzipped packages by function."""
    folders = {}
    for name in ("score", "publish"):
        folders[name] = tmp_path_factory.mktemp(f"task-{name}")
        zipfile.ZipFile(ROOT / packages[name]["path"]).extractall(folders[name])
    return folders


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with local_aws() as account:
        yield account


@pytest.fixture(scope="module")
def volume(published: Command, store_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    """A volume with ResMem on it, served as `live`, and no bundle yet."""
    store = ModelStore(tmp_path_factory.mktemp("volume") / "store")
    manifest = ModelStore(store_folder).manifest("resmem@1.1.6")
    shutil.copytree(
        ModelStore(store_folder).path(manifest.ref), store.root / "models" / manifest.name / manifest.version
    )
    measures = {Measure.HIT_RATE: EnsembleMeasure(members=(manifest.ref,))}
    store.set_alias("live", store.publish_ensemble("default", measures).ref)
    return store


@pytest.fixture(scope="module")
def bundle(
    packages: Packages,
    tasks: dict[str, Path],
    aws: LocalAws,
    volume: ModelStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The bundle on the volume, where the packaged publisher installed it from S3 with nothing but its zip."""
    archive, digest = ROOT / packages["runtime"]["path"], str(packages["runtime"]["digest"])
    key = f"runtime/{digest}.tar.gz"
    aws.s3.upload_file(str(archive), ARTEFACTS, key)
    environment = aws.environment(volume.root)
    with start_container(
        tasks["publish"], "functions.publish.handler.handle", environment, None, tmp_path_factory.mktemp("publish")
    ) as publisher:
        publisher.invoke(notification(ARTEFACTS, key, archive.stat().st_size))
    return volume.root / "runtime" / digest


@pytest.fixture(scope="module")
def scorer(
    tasks: dict[str, Path], aws: LocalAws, volume: ModelStore, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    environment = aws.environment(volume.root)
    with start_container(
        tasks["score"], "functions.score.handler.handle", environment, bundle, tmp_path_factory.mktemp("score")
    ) as container:
        yield container


def test_packaging_twice_gives_the_same_bytes(packages: Packages, tmp_path: Path) -> None:
    again = build_packages(tmp_path)

    assert {name: package["sha256_base64"] for name, package in again.items() if name != "runtime"} == {
        name: package["sha256_base64"] for name, package in packages.items() if name != "runtime"
    }
    assert again["runtime"]["digest"] == packages["runtime"]["digest"]


IMPORT_A_HANDLER = """
import importlib, json, sys, sysconfig
*folders, module = sys.argv[1:]
sys.path[:0] = folders
importlib.import_module(module)
places = (sysconfig.get_path("stdlib"), *folders)
files = {getattr(module, "__file__", None) or places[0] for module in list(sys.modules.values())}
strays = sorted(file for file in files if not file.startswith(places))
print(json.dumps([strays, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def import_handler(name: str, folders: list[Path], environment: dict[str, str]) -> list[str]:
    """Top-level modules that a handler loads, in a process that can see these folders and nothing else."""
    arguments = [*map(str, folders), f"functions.{name}.handler"]
    command = [sys.executable, "-I", "-S", "-c", IMPORT_A_HANDLER, *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    outcome: list[list[str]] = json.loads(result.stdout.splitlines()[-1])
    strays, modules = outcome
    assert strays == []
    return modules


def test_the_score_handler_imports_with_zip_and_bundle_and_without_jax(
    tasks: dict[str, Path], bundle: Path, aws: LocalAws, volume: ModelStore
) -> None:
    modules = import_handler("score", [tasks["score"], bundle], aws.environment(volume.root))

    assert {"numpy", "pydantic", "jaxlib", "boto3"} <= set(modules)
    assert not {"jax", "flax", "requests", "pillow_heif"} & set(modules)


def test_the_publish_handler_imports_with_its_zip_alone(
    tasks: dict[str, Path], aws: LocalAws, volume: ModelStore
) -> None:
    modules = import_handler("publish", [tasks["publish"]], aws.environment(volume.root))

    assert not {"numpy", "pydantic", "jax"} & set(modules)


def test_real_photos_get_the_published_scores(scorer: Container, aws: LocalAws, demo_photos: Path) -> None:
    expected = json.loads((Path(__file__).parent / "demo_scores.json").read_text())
    for photo in sorted(demo_photos.iterdir()):
        scorer.invoke(aws.put_photo(f"uploads/acme/spring/{photo.name}", photo))

    records = aws.records()
    for name, scores in expected.items():
        measure = records[f"PHOTO#{name}#ENSEMBLE#default"]["measures"]["M"]["hit_rate"]["M"]
        assert abs(float(measure["score"]["N"]) - scores["resmem"]) <= TOLERANCE
        assert measure["models"]["L"][0]["M"]["model"]["S"] == "resmem@1.1.6"


def test_a_file_that_is_no_photo_gets_a_failed_record(scorer: Container, aws: LocalAws, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a photo")

    scorer.invoke(aws.put_photo("uploads/acme/spring/notes.jpg", tmp_path / "notes.jpg"))

    record = aws.records()["PHOTO#notes.jpg#ENSEMBLE#default"]
    assert record["status"]["S"] == "failed"
    assert record["error"]["M"]["code"]["S"] == "unreadable_image"


def test_a_container_without_executables_compiles_with_the_bundle(
    tasks: dict[str, Path], aws: LocalAws, volume: ModelStore, bundle: Path, demo_photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(volume.root, tmp_path / "store", ignore=shutil.ignore_patterns(COMPILED_FOLDER, "runtime"))
    environment = aws.environment(tmp_path / "store")
    expected = json.loads((Path(__file__).parent / "demo_scores.json").read_text())
    name = sorted(expected)[0]

    with start_container(tasks["score"], "functions.score.handler.handle", environment, bundle, tmp_path) as container:
        container.invoke(aws.put_photo(f"uploads/acme/summer/{name}", demo_photos / name))

    score = aws.records()[f"PHOTO#{name}#ENSEMBLE#default"]["measures"]["M"]["hit_rate"]["M"]["score"]["N"]
    assert abs(float(score) - expected[name]["resmem"]) <= TOLERANCE
    assert '"JitFallback":[1.0]' in container.log.read_text().replace(" ", "")
