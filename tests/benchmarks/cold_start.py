"""How soon a container that starts from nothing has its first record, beside PyTorch and ONNX Runtime; `make bench-cold`.

    python -m tests.benchmarks.cold_start [--photo FILE] [--runs N] [--json]

Runs the packaged scoring function by Lambda's runtime client with S3 and DynamoDB on this machine, and the published
`resmem` package on PyTorch and the same weights on ONNX Runtime in processes of their own, in turns. Needs the packages in
build/lambda, ResMem in the store that MEMORABILITY_STORE names, and the peers' environment in build/peers; the make target
sees to all of it. All files are in the page cache: what a network volume adds is not measured here. About two minutes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from functions.publish.bundles import install_bundle
from model_store.images import DEFAULT_LIMITS
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.loading import load_model
from model_store.runtime.scoring import Photo, decode_photo
from model_store.runtime.target import host_targets
from model_store.store import EnsembleMeasure, ModelStore
from model_store.store.layout import COMPILED_FOLDER
from tests.lambda_host import Container, runtime_client, start_container
from tests.local_aws import LocalAws, local_aws

ROOT = Path(__file__).parents[2]
BUILT, PEERS, WORK = ROOT / "build/lambda", ROOT / "build/peers", ROOT / "build/bench"
MODEL = "resmem"
WARM_CALLS = 20
HANDLER = "functions.score.handler.handle"
MB = 1_000_000

# What the project promised itself: figure, limit, and what it is relative to.
TARGETS = {
    "first_record_to_torch": 0.25,
    "first_record_to_onnxruntime": 0.7,
    "model_mb_read": 210,
    "warm_overhead_ms": 15,
    "warm_container_mb": 1300,
    "zip_mb": 5,
    "bundle_mb": 420,
}

type Figures = dict[str, float]


@dataclass(frozen=True)
class Deployment:
    """What a container starts from.

    Attributes:
        task: the unzipped package.
        store: the volume, with ResMem as `live`.
        bundle: the dependencies on the volume.
        packages: the manifest of the packages.
    """

    task: Path
    store: ModelStore
    bundle: Path
    packages: dict[str, Any]


def deploy() -> Deployment:
    """Unpacks what was built, and puts ResMem on a volume of its own."""
    packages = json.loads((BUILT / "manifest.json").read_text())
    shutil.rmtree(WORK, ignore_errors=True)
    zipfile.ZipFile(ROOT / packages["score"]["path"]).extractall(WORK / "task")
    store = ModelStore(WORK / "store")
    source = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    manifest = source.manifest(MODEL)
    shutil.copytree(source.path(MODEL), store.root / "models" / MODEL / manifest.version)
    store.set_alias("live", store.publish_ensemble("default", {manifest.measure: EnsembleMeasure((manifest.ref,))}).ref)
    digest, archive = packages["runtime"]["digest"], ROOT / packages["runtime"]["path"]
    with archive.open("rb") as file:
        install_bundle(store.root / "runtime", digest, "tar.gz", iter(lambda: file.read(MB), b""))
    return Deployment(WORK / "task", store, store.root / "runtime" / digest, packages)


@contextmanager
def container(deployment: Deployment, aws: LocalAws) -> Iterator[Container]:
    """A scoring function that starts from nothing."""
    environment = aws.environment(deployment.store.root)
    with tempfile.TemporaryDirectory() as scratch:
        yield from _started(deployment, environment, Path(scratch))


def _started(deployment: Deployment, environment: dict[str, str], scratch: Path) -> Iterator[Container]:
    with start_container(deployment.task, HANDLER, environment, deployment.bundle, scratch) as started:
        yield started


def cold_run(deployment: Deployment, aws: LocalAws, photo: Path, run: int) -> Figures:
    """One container from its start to the first record."""
    event = aws.put_photo(f"uploads/bench/{run}-{time.time_ns()}/{photo.name}", photo)
    with container(deployment, aws) as started:
        answer = started.invoke(event)
        return {
            "first_record_seconds": answer.at - started.started_at,
            "initialised_seconds": started.initialised_at() - started.started_at,
            "peak_mb": started.status_bytes("VmHWM") / MB,
        }


def phases(deployment: Deployment, aws: LocalAws, photo: Path) -> Figures:
    """Seconds of each phase of a cold start, one after the other."""
    environment = aws.environment(deployment.store.root)
    probe = Path(__file__).with_name("cold_phases.py")
    command = [sys.executable, "-S", "-s", probe, deployment.store.root, photo]
    paths = os.pathsep.join(map(str, (deployment.task, deployment.bundle)))
    done = subprocess.run(
        [*command, str(time.time())], check=True, capture_output=True, text=True, env=environment | {"PYTHONPATH": paths}
    )
    seconds: Figures = json.loads(done.stdout.splitlines()[-1])
    return seconds
