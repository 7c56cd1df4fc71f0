"""What heads cost beside the trunk whose pass they read: one image, trunk alone and trunk with heads in turns.

    make bench-heads, or: python -m tests.benchmarks.heads [--rounds N] [--json]

Needs the store with ResMem (`memorability models pull resmem`) that MEMORABILITY_STORE names. The heads are as large as
those of 1,900 photos; what they have learned is noise, which takes as long. The goal is 1.05. About three minutes.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from model_store.models.taps import taps
from model_store.runtime.compiling import compile_and_try
from model_store.runtime.ensembles import EnsembleSpec, ensemble_measures
from model_store.runtime.loading import load_model
from model_store.store import Manifest, Measure, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import write_tensors
from training.data import Dataset
from training.describing import describe_heads
from training.heads.fitting import Photos, TrainedHeads, fit_heads
from training.heads.settings import HeadSettings

TRUNK = "resmem"
GOAL = 1.05
N_PHOTOS = 1900


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with store_with_heads(Path(os.environ["MEMORABILITY_STORE"])) as (store, trunk, heads):
        figures = measure(store, trunk, heads, arguments.rounds)
    print(json.dumps(figures, indent=2) if arguments.json else render(figures))


@contextmanager
def store_with_heads(folder: Path) -> Iterator[tuple[ModelStore, Manifest, Manifest]]:
    """A store of its own that borrows the trunk, with heads on it."""
    with TemporaryDirectory() as made:
        store = ModelStore(Path(made))
        (store.root / "models").mkdir()
        (store.root / "models" / TRUNK).symlink_to(folder.resolve() / "models" / TRUNK)
        trunk = store.manifest(TRUNK)
        yield store, trunk, publish_heads(store, trunk)


def publish_heads(store: ModelStore, trunk: Manifest) -> Manifest:
    """Heads that have learned noise, compiled as heads are."""
    heads = fit_noise(trunk)
    description = describe_heads(store, [trunk], heads, Dataset("noise", ()), Measure.HIT_RATE, ())
    with store.draft("heads", "1") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, heads.narrowed())
        return draft.commit(description, check=compile_and_try)


def fit_noise(trunk: Manifest) -> TrainedHeads:
    """Heads of the size that `memorability train` makes of so many photos."""
    random = np.random.default_rng(0)
    widths = tuple(tap.width for tap in taps(trunk.architecture, trunk.architecture_settings))
    features = random.normal(size=(N_PHOTOS, sum(widths))).astype(np.float32)
    photos = Photos((features,), (features,), (widths,), random.uniform(size=N_PHOTOS), tuple(range(N_PHOTOS)))
    return fit_heads(photos, HeadSettings(penalties=(1.0,)), seed=0).as_stored()


def measure(store: ModelStore, trunk: Manifest, heads: Manifest, rounds: int) -> dict[str, float]:
    """The least of several rounds, by the clock and of the processor: what other work takes away only ever adds."""
    spec = EnsembleSpec.of_measures(store, "both@1", ensemble_measures(store, [trunk.ref, heads.ref]))
    both, alone = spec.load(), load_model(store.path(trunk.ref), trunk)
    (cut,) = spec.preprocessings
    images = np.random.default_rng(0).integers(0, 256, (1, cut.crop, cut.crop, 3), dtype=np.uint8)
    turns = [
        (*seconds(lambda: alone(images)), *seconds(lambda: both.measure([{cut: images[0]}]))) for _ in range(rounds + 1)
    ]
    trunk_clock, trunk_processor, both_clock, both_processor = map(min, zip(*turns[1:], strict=True))  # one warms up
    return {
        "trunk_seconds": trunk_clock,
        "both_seconds": both_clock,
        "ratio": both_clock / trunk_clock,
        "trunk_processor_seconds": trunk_processor,
        "both_processor_seconds": both_processor,
        "processor_ratio": both_processor / trunk_processor,
    }


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Time that something takes, by the clock and of all cores together."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def render(figures: dict[str, float]) -> str:
    """Return the figures for people."""
    return (
        f"One image: {figures['trunk_seconds'] * 1000:.1f} ms with {TRUNK} alone, {figures['both_seconds'] * 1000:.1f} "
        f"ms with heads on it: {figures['ratio']:.3f} × by the clock, {figures['processor_ratio']:.3f} × of processor "
        f"time (goal: {GOAL} ×)"
    )


if __name__ == "__main__":
    main()
