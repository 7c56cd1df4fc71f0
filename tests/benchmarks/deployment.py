"""What cold starts are measured on: the packages as they were built, and a volume with one model."""

import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.publish.bundles import install_bundle
from model_store.runtime.executables import compile_executables, read_executables
from model_store.store import EnsembleMeasure, Manifest, ModelStore
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE
from tests.lambda_host import Container, start_container
from tests.local_aws import LocalAws

ROOT = Path(__file__).parents[2]
HANDLER = "functions.score.handler.handle"
ALIAS = "live"
_CHUNK_BYTES = 1_000_000


@dataclass(frozen=True)
class Deployment:
    """What a container starts from.

    Attributes:
        packages: what `make package-lambdas` wrote down.
        task: the unzipped scoring function.
        store: the volume; its one model is the ensemble `live`.
        manifest: of the model.
    """

    packages: dict[str, Any]
    task: Path
    store: ModelStore
    manifest: Manifest

    @property
    def bundle(self) -> Path:
        """The dependencies on the volume."""
        return self.store.root / "runtime" / str(self.packages["runtime"]["digest"])

    @property
    def model_folder(self) -> Path:
        """Where the model lies on the volume."""
        return self.store.path(self.manifest.ref)

    def model_bytes_read(self) -> int:
        """Sizes of the model's files that a container reads before it scores, each of them once and from end to end."""
        read = [self.model_folder / name for name in (MANIFEST_FILE, *self.manifest.files)]
        executables = read_executables(self.model_folder).values()
        return sum(path.stat().st_size for path in read) + sum(map(len, executables))

    @contextmanager
    def container(self, aws: LocalAws) -> Iterator[Container]:
        """A scoring function that starts from nothing."""
        environment = aws.environment(self.store.root)
        with (
            tempfile.TemporaryDirectory() as scratch,
            start_container(self.task, HANDLER, environment, self.bundle, Path(scratch)) as started,
        ):
            yield started


def deploy(packages_file: Path, models: ModelStore, model: str, work: Path) -> Deployment:
    """Unpacks the packages and publishes a model, compiled for this machine, on a volume of its own.

    Args:
        packages_file: the packages' manifest.
        models: where the model is copied from.
        model: its reference.
        work: a folder that is made anew.
    """
    shutil.rmtree(work, ignore_errors=True)
    packages, manifest, store = (
        json.loads(packages_file.read_text()),
        models.manifest(model),
        ModelStore(work / "store"),
    )
    deployment = Deployment(packages, work / "task", store, manifest)
    with zipfile.ZipFile(ROOT / packages["score"]["path"]) as package:
        package.extractall(deployment.task)
    folder = store.root / "models" / manifest.name / manifest.version
    shutil.copytree(models.path(manifest.ref), folder, ignore=shutil.ignore_patterns(COMPILED_FOLDER))
    compile_executables(folder, manifest)
    store.set_alias(
        ALIAS, store.publish_ensemble("bench", {manifest.measure: EnsembleMeasure(members=(manifest.ref,))}).ref
    )
    with (ROOT / packages["runtime"]["path"]).open("rb") as file:
        chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        install_bundle(deployment.bundle.parent, deployment.bundle.name, "tar.gz", chunks)
    return deployment


def put_photo(aws: LocalAws, photo: Path) -> dict[str, Any]:
    """Uploads a photo under a name that no other upload has; returns the notification that S3 would send."""
    return aws.put_photo(f"uploads/bench/{time.time_ns()}/{photo.name}", photo)
