"""What heatmaps cost beside scoring and beside Captum over PyTorch, and how faithful they are.

    python -m tests.benchmarks.heatmaps cost [--batch N] [--runs N] [--steps N] [--without-peer] [--json]
    python -m tests.benchmarks.heatmaps faithfulness --photos FOLDER... [--count N] [--method M] [--json]

Needs the store with the models that MEMORABILITY_STORE names, and for the peer build/peers (see the Makefile). The
methods are described in docs/heatmaps.md; the limits are the project's own. On two cores `cost` takes about three
minutes, `faithfulness` about ten seconds a photo for `gradcam` and a minute for the other methods.

Times are CPU seconds of the process: what a shared machine does besides does not count in them.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from model_store.heatmaps.explainers import SubjectSpec
from model_store.heatmaps.explaining import Settings, explain
from model_store.heatmaps.faithfulness import CurveSettings
from model_store.heatmaps.gradcam import contributions
from model_store.heatmaps.gradients import PathSettings
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.programs import run
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.images import decode
from model_store.runtime.loading import load_model
from model_store.store import ModelStore

# Of the time to score the same batch; a pass backwards costs about two forwards.
GRADCAM_LIMIT, STEP_LIMIT = 1.35, 2.6
PEER = Path("build/peers")
PEER_CORRELATION = 0.98
FAITHFUL_SHARE = 0.85


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "faithfulness"))
    parser.add_argument("--model", default="resmem")
    parser.add_argument("--photos", type=Path, nargs="+", default=[Path("build/demo/photos")])
    parser.add_argument("--count", type=int, default=100, help="photos, taken evenly from the folders")
    parser.add_argument("--method", type=Method, choices=list(Method), nargs="+", default=list(Method))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure = measure_cost if arguments.what == "cost" else measure_faithfulness
    figures = measure(arguments)
    print(json.dumps(figures, indent=2) if arguments.json else "\n".join(f"{k:58} {v}" for k, v in figures.items()))


def measure_cost(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ratios of CPU seconds over interleaved runs; beside the peer's in the same minutes."""
    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    folder, manifest = store.path(arguments.model), store.manifest(arguments.model)
    model, network = load_model(folder, manifest), Network.load(folder, manifest)
    images = photos(arguments.photos, arguments.batch, network)
    one_step = Settings(PathSettings(steps=2))
    seconds = interleaved(
        {
            "score": lambda: model(images),
            "gradcam": lambda: explain(network, images, Method.GRADCAM),
            # Two steps are two passes forward and back, and nothing else.
            "steps": lambda: explain(network, images, Method.INTEGRATED_GRADIENTS, one_step),
        },
        arguments.runs,
    )
    figures = {
        "score, CPU s for the batch": seconds["score"],
        f"gradcam / score (limit {GRADCAM_LIMIT})": seconds["gradcam"] / seconds["score"],
        f"a step of integrated gradients / score (limit {STEP_LIMIT})": seconds["steps"] / 2 / seconds["score"],
    }
    full = explain(network, images, Method.INTEGRATED_GRADIENTS, Settings(PathSettings(steps=arguments.steps)))
    figures |= completeness(full.maps, full.scores, full.baseline_scores, full.residuals)
    return figures if arguments.without_peer else figures | beside_peer(network, images, seconds, arguments)


def completeness(maps: Any, scores: Any, baseline_scores: Any, residuals: Any) -> dict[str, float]:
    """How well maps sum to the difference of the scores, and what gradients alone would have missed."""
    difference = scores - baseline_scores
    missed = np.abs(maps.mean(axis=(1, 2)) - difference)
    return {
        "integrated gradients: largest error of the sum, in score": float(missed.max()),
        "integrated gradients: mean correction, in score": float(np.abs(residuals).mean()),
        "integrated gradients: mean difference, in score": float(np.abs(difference).mean()),
    }


def beside_peer(
    network: Network, images: np.ndarray, seconds: Mapping[str, float], arguments: argparse.Namespace
) -> dict[str, float]:
    """Captum's maps and times on the same images; the maps are of Grad-CAM as published, which both can compute."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "images.npy"), images)
        script = Path(__file__).parent / "peers" / "explain_with_captum.py"
        files = (Path(folder, "images.npy"), Path(folder, "maps.npz"))
        command: list[str | Path] = [PEER / "bin" / "python", script, files[0], str(arguments.runs), "2", files[1]]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(PEER / "packages")})
        peer = dict(np.load(files[1]))
    _, ours = run(contributions, network, images)
    pairs = zip(np.asarray(ours["stage4_features"]), peer["gradcam"], strict=True)
    peer_seconds = {
        name: float(np.median(peer[f"{name}_seconds"][:, 0])) for name in ("score", "gradcam", "integrated")
    }
    return {
        "peer's score / ours": peer_seconds["score"] / seconds["score"],
        "peer's gradcam / ours": peer_seconds["gradcam"] / seconds["gradcam"],
        "peer's step of integrated gradients / ours": peer_seconds["integrated"] / seconds["steps"],
        f"gradcam as published: least correlation with the peer's (limit {PEER_CORRELATION})": min(
            float(np.corrcoef(mine.ravel(), theirs.ravel())[0, 1]) for mine, theirs in pairs
        ),
    }


def interleaved(functions: Mapping[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median CPU seconds of each function, run in turns; the first turn compiles and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(runs + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:
                seconds[name].append(time.process_time() - start)
    return {name: median(values) for name, values in seconds.items()}


def measure_faithfulness(arguments: argparse.Namespace) -> dict[str, Any]:
    """By method, on how many photos a map's deletion area beats a random order's and the centre's, and by how much."""
    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    explainer = SubjectSpec.of(store, HeatmapSubject.of_model(arguments.model)).load()
    network = explainer.networks[0]
    images = photos(arguments.photos, arguments.count, network)
    figures: dict[str, Any] = {"photos": len(images)}
    for method in arguments.method:
        found = []
        for seed, batch in enumerate(batched(images, arguments.batch, strict=False)):
            pixels = [{network.preprocessing: image} for image in batch]
            maps = explainer.explain(pixels, method)
            found += explainer.measure_faithfulness(pixels, maps, CurveSettings(seed=seed))
        figures |= {f"{method} {name}": value for name, value in summary(found).items()}
    return figures


def summary(found: Sequence[Any]) -> dict[str, float]:
    """Shares of photos on which a map beats the orders that know nothing, and its mean lead."""
    areas = {
        f"{what} {order}": np.array([getattr(getattr(one, order), what) for one in found])
        for what in ("deletion", "insertion")
        for order in ("map", "random", "centre")
    }
    figures: dict[str, float] = {}
    for order in ("random", "centre"):
        lower = areas[f"deletion {order}"] - areas["deletion map"]
        higher = areas["insertion map"] - areas[f"insertion {order}"]
        figures[f"deletion lower than {order}, share of photos"] = float((lower > 0).mean())
        figures[f"deletion lower than {order}, mean"] = float(lower.mean())
        figures[f"insertion higher than {order}, share of photos"] = float((higher > 0).mean())
    return figures


def photos(folders: Sequence[Path], count: int, network: Network) -> np.ndarray:
    """Preprocessed photos, taken evenly from folders."""
    files = sorted(file for folder in folders for file in folder.iterdir() if file.suffix in {".jpg", ".png"})
    taken = [files[index * len(files) // count] for index in range(min(count, len(files)))]
    return np.stack([network.preprocessing.apply(decode(file.read_bytes(), file.name)) for file in taken])


if __name__ == "__main__":
    main()
