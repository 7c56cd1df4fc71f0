"""What the command costs beside the bare network, and how soon a fresh process has its first score.

    make bench-command, or: python -m tests.benchmarks.scoring [--photos FOLDER] [--runs N] [--json]

Needs the store with ResMem (`memorability models pull resmem`) that MEMORABILITY_STORE names. The peer is the loaded
model alone on the same number of preprocessed images. About two minutes for 160 photos and three runs.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from model_store.runtime.loading import load_model
from model_store.store import ModelStore

MODEL = "resmem"
BATCH = 8


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("build/demo/photos"), help="folder of photos")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.iterdir())
    figures = measure(photos, arguments.runs)
    print(json.dumps(figures, indent=2) if arguments.json else render(figures))


def measure(photos: list[Path], runs: int) -> dict[str, float]:
    """Medians over interleaved runs, in seconds and megabytes."""
    model_seconds, command_seconds, single_seconds = [], [], []
    score = time_network(len(photos))
    for _ in range(runs):
        model_seconds.append(score())
        command_seconds.append(time_command(*photos))
        single_seconds.append(time_command(photos[0]))
    return {
        "photos": len(photos),
        "network_seconds": median(model_seconds),
        "command_seconds": median(command_seconds),
        "command_to_network": median(command_seconds) / median(model_seconds),
        "one_photo_cold_process_seconds": median(single_seconds),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000,
    }


def time_network(count: int) -> Callable[[], float]:
    """A function that times the loaded network on `count` images in the command's batch size."""
    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    manifest = store.manifest(MODEL)
    model = load_model(store.path(MODEL), manifest)
    size = manifest.preprocessing.crop
    images = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    def score() -> float:
        start = time.perf_counter()
        for first in range(0, count, BATCH):
            model(images[first : first + BATCH])
        return time.perf_counter() - start

    score()
    return score


def time_command(*photos: Path) -> float:
    """Wall time of `memorability score` in a process of its own."""
    program: list[str | Path] = [
        Path(sys.executable).with_name("memorability"),
        "score",
        "--json",
        "--model",
        MODEL,
        *photos,
    ]
    start = time.perf_counter()
    subprocess.run(program, check=True, capture_output=True)
    return time.perf_counter() - start


def render(figures: dict[str, float]) -> str:
    """The figures as lines for people."""
    return "\n".join(
        (
            f"network alone, {figures['photos']:.0f} images   {figures['network_seconds']:8.2f} s",
            f"the command, same photos    {figures['command_seconds']:8.2f} s   "
            f"{figures['command_to_network']:.2f} × the network",
            f"one photo, fresh process    {figures['one_photo_cold_process_seconds']:8.2f} s",
            f"peak memory of the command  {figures['peak_memory_mb']:8.0f} MB",
        )
    )


if __name__ == "__main__":
    main()
