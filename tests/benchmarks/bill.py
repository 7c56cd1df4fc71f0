"""What the bill is made of: seconds of calls and cold starts on one core and on two, bytes read, memory.

    make bench-bill, or: python -m tests.benchmarks.bill [--photos FOLDER] [--runs N]

Writes docs/measurements.json, which `make cost` reads; runs through the platform in it stay as they are.

Needs what `make bench-cold` needs, except the peers. Every figure is the fastest of its runs, taken in turns: on a
machine that others use too, that is the one that comes closest to a container's own processors. About three minutes.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from model_store.images import DEFAULT_LIMITS
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import DECODERS, Photo, decode_photo, score_with_all
from model_store.store import ModelStore
from scripts.cost.measurements import MEASUREMENTS_FILE
from tests.benchmarks.cold_start import MB, MODEL, PACKAGES_FILE, cold_container
from tests.benchmarks.deployment import ALIAS, ROOT, Deployment, deploy, put_photo
from tests.lambda_host import Container
from tests.local_aws import LocalAws, local_aws

PHOTOS_IN_A_CALL = (1, 2, 5, 10)
CORES = (1, 2)
COLD_RUNS = 5

type Figures = dict[str, Any]


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=ROOT / "build/demo/photos")
    parser.add_argument("--runs", type=int, default=12)
    arguments = parser.parse_args()
    photos = sorted(path.resolve() for path in arguments.photos.iterdir())
    models = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    deployment = deploy(PACKAGES_FILE, models, MODEL, ROOT / "build/bill")
    with local_aws() as aws:
        figures = cold_starts(deployment, aws, photos[0])
    figures |= {"call_seconds": calls(deployment, photos, arguments.runs)}
    known = json.loads(MEASUREMENTS_FILE.read_text()) if MEASUREMENTS_FILE.exists() else {}
    about = {"measured_on": f"{datetime.now(UTC):%Y-%m-%d}", "model": deployment.manifest.ref, "machine": machine()}
    MEASUREMENTS_FILE.write_text(json.dumps(known | about | figures, indent=2) + "\n")
    print(MEASUREMENTS_FILE.read_text(), end="")


def calls(deployment: Deployment, photos: list[Path], runs: int) -> Figures:
    """Seconds of decoding and scoring so many photos in one call, by the number of cores."""
    spec = EnsembleSpec.of_ensemble(deployment.store, ALIAS)
    ensemble = spec.load()
    files = [Photo(path.name, path.read_bytes) for path in photos]

    def call(count: int) -> float:
        start = time.perf_counter()
        with ThreadPoolExecutor(DECODERS) as pool:
            taken = islice(cycle(files), count)
            outcomes = list(pool.map(lambda photo: decode_photo(photo, spec.preprocessings, DEFAULT_LIMITS), taken))
        score_with_all([ensemble], outcomes)
        return time.perf_counter() - start

    fastest = {cores: dict.fromkeys(PHOTOS_IN_A_CALL, float("inf")) for cores in CORES}
    for _ in range(runs):
        for cores, seconds in fastest.items():
            for count in PHOTOS_IN_A_CALL:
                seconds[count] = min(seconds[count], on_cores(cores, partial(call, count)))
    return {
        str(cores): {str(count): round(value, 4) for count, value in by_count.items()}
        for cores, by_count in fastest.items()
    }


def cold_starts(deployment: Deployment, aws: LocalAws, photo: Path) -> Figures:
    """Seconds from a container's start to its first record, by the number of cores, and what it reads and holds."""
    seconds = {
        str(cores): round(
            min(
                on_cores(cores, lambda: cold_container(deployment, aws, photo))["first record, s"]
                for _ in range(COLD_RUNS)
            ),
            4,
        )
        for cores in CORES
    }
    with deployment.container(aws) as container:
        container.invoke(put_photo(aws, photo))
        touched, memory = mapped_bytes(container, deployment.bundle), container.status_bytes("VmHWM")
    return {
        "cold_seconds": seconds,
        "model_mb": round(deployment.model_bytes_read() / MB, 1),
        "bundle_touched_mb": round(touched / MB, 1),
        "memory_mb": round(memory / MB),
        "store_mb": round(sum(file.stat().st_size for file in deployment.store.root.rglob("*") if file.is_file()) / MB),
    }


def machine() -> str:
    """The processor's name, as Linux has it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} cores of {name}, the fastest of several runs"


def on_cores[Result](cores: int, measure: Callable[[], Result]) -> Result:
    """Runs something, and the processes that it starts, on so many of this machine's cores."""
    allowed = os.sched_getaffinity(0)
    try:
        _pin(set(sorted(allowed)[:cores]))
        return measure()
    finally:
        _pin(allowed)


def _pin(cores: set[int]) -> None:
    """Moves all threads of this process: what they start follows them."""
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


def mapped_bytes(container: Container, folder: Path) -> int:
    """What a process has in memory of the files of a folder that it maps."""
    total, inside = 0, False
    for line in Path(f"/proc/{container.process.pid}/smaps").read_text().splitlines():
        field, *values = line.split()
        if not field.endswith(":"):
            inside = values[-1].startswith(str(folder)) if values else False
        elif field == "Rss:" and inside:
            total += int(values[0]) * 1024
    return total


if __name__ == "__main__":
    main()
