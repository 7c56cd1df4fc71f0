"""How soon a container that starts from nothing has its first record, beside PyTorch and ONNX Runtime.

    make bench-cold, or: python -m tests.benchmarks.cold_start [--photo FILE] [--runs N] [--json]

Runs the packaged scoring function by Lambda's runtime client, with S3 and DynamoDB on this machine, and in turns with
it the published `resmem` package on PyTorch and the same weights on ONNX Runtime, in processes of their own. Needs the
packages in build/lambda, ResMem in the store that MEMORABILITY_STORE names, and the peers in build/peers: the make
target sees to it. All files are in the page cache: what a network volume adds is not measured. About two minutes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from model_store.images import DEFAULT_LIMITS
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import Photo, decode_photo
from model_store.store import ModelStore
from tests.benchmarks.deployment import ALIAS, ROOT, Deployment, deploy, put_photo
from tests.local_aws import LocalAws, local_aws

MODEL = "resmem"
PACKAGES_FILE = ROOT / "build/lambda/manifest.json"
PEERS = ROOT / "build/peers"
PEER_PROGRAMS = Path(__file__).with_name("peers")
WARM_CALLS = 30
MB = 1_000_000

type Figures = dict[str, float]

# What the project promised itself.
TARGETS: Mapping[str, float] = {
    "first record, of PyTorch's": 0.22,
    "first record, of ONNX Runtime's": 0.6,
    "model files read, MB": 210,
    "warm call beyond decoding, network and emulator, ms": 15,
    "memory of a warm container, MB": 1300,
    "zip, MB": 5,
    "bundle unpacked, MB": 420,
}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, default=ROOT / "build/demo/photos/astronaut.png")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    models = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    deployment = deploy(PACKAGES_FILE, models, MODEL, ROOT / "build/bench/cold-start")
    with local_aws() as aws:
        figures = measure(deployment, aws, arguments.photo.resolve(), arguments.runs)
    print(json.dumps(figures, indent=2) if arguments.json else render(figures))


def measure(deployment: Deployment, aws: LocalAws, photo: Path, runs: int) -> Figures:
    """Medians of runs in turns; the first turn, which fills the page cache, does not count."""
    contestants: dict[str, Callable[[], Figures]] = {
        "ours": lambda: cold_container(deployment, aws, photo),
        "PyTorch": lambda: {"first record, s": peer_seconds("score_with_torch.py", photo)},
        "ONNX Runtime": lambda: {
            "first record, s": peer_seconds("score_with_onnxruntime.py", PEERS / "resmem.onnx", photo)
        },
        "phase": lambda: cold_phases(deployment, aws, photo),
    }
    results: dict[str, list[Figures]] = {name: [] for name in contestants}
    for _ in range(runs + 1):
        for name, run in contestants.items():
            results[name].append(_with_processor_time(run))
    medians = {
        f"{name}: {figure}": median(result[figure] for result in runs[1:])
        for name, runs in results.items()
        for figure in runs[0]
    }
    return medians | warm_container(deployment, aws, photo) | sizes(deployment) | _ratios(medians)


def _with_processor_time(run: Callable[[], Figures]) -> Figures:
    """The figures of a run, and what its processes took of all cores: steadier than seconds where others work too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return figures | {"processor time, s": seconds}


def _ratios(medians: Figures) -> Figures:
    ours = medians["ours: first record, s"]
    peers = ("PyTorch", "ONNX Runtime")
    return {f"first record, of {peer}'s": ours / medians[f"{peer}: first record, s"] for peer in peers}


def cold_container(deployment: Deployment, aws: LocalAws, photo: Path) -> Figures:
    """One container from its start to the answer to its first event, which comes when the record is written."""
    event = put_photo(aws, photo)
    with deployment.container(aws) as container:
        answer = container.invoke(event)
        return {
            "first record, s": answer.at - container.started_at,
            "initialisation, s": container.initialised_at() - container.started_at,
            "peak memory, MB": container.status_bytes("VmHWM") / MB,
        }


def peer_seconds(program: str, *arguments: Path) -> float:
    """Seconds from the start of a peer's process to its score."""
    start = time.perf_counter()
    command = [PEERS / "bin/python", PEER_PROGRAMS / program, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(PEERS / "packages")}
    ) as process:
        assert process.stdout is not None
        score = process.stdout.readline()
        seconds = time.perf_counter() - start
    if not 0 < float(score) < 1:
        raise ValueError(f"{program} printed {score!r} and no score")
    return seconds


def cold_phases(deployment: Deployment, aws: LocalAws, photo: Path) -> Figures:
    """Seconds of each phase of a cold start, one after the other; in a container they overlap."""
    environment = aws.environment(deployment.store.root) | {"PYTHONPATH": f"{deployment.task}:{deployment.bundle}"}
    probe = [Path(__file__).with_name("cold_phases.py"), deployment.store.root, photo]
    command: Sequence[str | Path] = [sys.executable, "-S", "-s", *probe, repr(time.time())]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    seconds: Figures = json.loads(done.stdout.splitlines()[-1])
    return seconds


def warm_container(deployment: Deployment, aws: LocalAws, photo: Path) -> Figures:
    """Calls of a warm container, in turns with decoding and scoring the same photo in this process."""
    spec = EnsembleSpec.of_ensemble(deployment.store, ALIAS)
    ensemble, name = spec.load(), photo.name

    def score_here() -> None:
        decoded: Any = decode_photo(Photo(name, photo.read_bytes), spec.preprocessings, DEFAULT_LIMITS)
        ensemble.measure([decoded.pixels])

    calls, answers, here = [], [], []
    with deployment.container(aws) as container:
        for _ in range(WARM_CALLS + 1):
            event = put_photo(aws, photo)
            start = time.perf_counter()
            calls.append(container.invoke(event).at - start)
            answers.append(aws.answering_seconds(start))
            start = time.perf_counter()
            score_here()
            here.append(time.perf_counter() - start)
        memory = container.status_bytes("VmRSS") / MB
    call, emulator, work = (median(seconds[1:]) * 1000 for seconds in (calls, answers, here))
    return {
        "warm call, ms": call,
        "of it decoding and network, ms": work,
        "of it the emulator's answers, ms": emulator,
        "warm call beyond decoding, network and emulator, ms": call - work - emulator,
        "memory of a warm container, MB": memory,
    }


def sizes(deployment: Deployment) -> Figures:
    """What has to be stored and read."""
    return {
        "model files read, MB": deployment.model_bytes_read() / MB,
        "zip, MB": (ROOT / deployment.packages["score"]["path"]).stat().st_size / MB,
        "bundle unpacked, MB": deployment.packages["runtime"]["bytes_unpacked"] / MB,
    }


def render(figures: Figures) -> str:
    """Figures as lines for people, each target beside its figure."""

    def line(name: str, value: float) -> str:
        target = TARGETS.get(name)
        verdict = "" if target is None else f"   at most {target:g}: {'yes' if value <= target else 'NO'}"
        return f"{name:<62}{value:10.3f}{verdict}"

    return "\n".join(line(name, value) for name, value in figures.items())


if __name__ == "__main__":
    main()
