"""What heatmaps cost beside scoring and beside Captum over PyTorch, and how faithful they are.

    python -m tests.benchmarks.heatmaps cost [--batch N] [--runs N] [--steps N] [--without-peer] [--json]
    python -m tests.benchmarks.heatmaps faithfulness --photos FOLDER... [--count N] [--method M...] [--json]

Needs the store with the models that MEMORABILITY_STORE names, and for the peer build/peers (see the Makefile). The
methods are described in docs/heatmaps.md; the limits are the project's own, and nothing fails where they are missed.

Times are CPU seconds of the processes, in turns: what a shared machine does besides does not count in them. `cost`
takes about five minutes. `faithfulness` takes half a minute a photo for ResMem and `gradcam`, and three minutes for all
methods; it goes on where it was stopped, with what lies in build/bench/faithfulness-MODEL@VERSION-CODE.jsonl. CODE is a
digest of model_store/heatmaps: no figure outlives the model and the code that it is of.
"""

import argparse
import hashlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import batched
from pathlib import Path
from statistics import median
from typing import Any, final

import numpy as np

from model_store import heatmaps
from model_store.heatmaps.explaining import Settings, explain
from model_store.heatmaps.faithfulness import Curves, Ranks, centre_ranks, random_ranks, to_ranks
from model_store.heatmaps.gradcam import contributions
from model_store.heatmaps.gradients import PathSettings
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.occlusion import MaskSettings
from model_store.heatmaps.programs import run
from model_store.images import decode
from model_store.runtime.loading import load_model
from model_store.store import ModelStore

# Of the time to score the same batch; a pass backwards costs about two forwards.
GRADCAM_LIMIT, STEP_LIMIT = 1.35, 2.6
PEER = Path("build/peers")
PEER_CORRELATION = 0.98
FAITHFUL_SHARE = 0.85
CURVE_STEPS, RANDOM_ORDERS = 8, 3

type Figures = dict[str, float | int]


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
    print(json.dumps(figures, indent=2) if arguments.json else "\n".join(f"{k:75} {v:.4g}" for k, v in figures.items()))


def measure_cost(arguments: argparse.Namespace) -> Figures:
    """Ratios of CPU seconds over interleaved runs, the peer's among them, and how well both agree."""
    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    folder, manifest = store.path(arguments.model), store.manifest(arguments.model)
    model, network = load_model(folder, manifest), Network.load(folder, manifest)
    images = np.stack([load(file, network) for file in spread_evenly(arguments.photos, arguments.batch)])
    # Two steps are two passes forward and back, and nothing else; four pairs of masks are ten passes forward.
    few = Settings(PathSettings(steps=2, smoothing=0), MaskSettings(pairs=4))
    ours: dict[str, Callable[[], Any]] = {
        "score": partial(model, images),
        "gradcam": partial(explain, network, images, Method.GRADCAM),
        "preview": partial(model.explain, images),
        "steps": partial(explain, network, images, Method.INTEGRATED_GRADIENTS, few),
        "masks": partial(explain, network, images, Method.OCCLUSION, few),
    }
    runs = {name: partial(cpu_seconds, function) for name, function in ours.items()}
    if arguments.without_peer:
        return own_figures(interleaved(runs, arguments.runs)) | completeness(network, images, arguments.steps)
    with captum(images) as peer:
        seconds = interleaved(runs | peer.runs, arguments.runs)
        maps = peer.stop()
    figures = own_figures(seconds) | peer_figures(seconds) | completeness(network, images, arguments.steps)
    return figures | agreement(network, images, maps)


def own_figures(seconds: Mapping[str, float]) -> Figures:
    """What each method costs in times of scoring the same batch."""
    score = seconds["score"]
    return {
        "score, CPU s for the batch": score,
        f"gradcam / score (limit {GRADCAM_LIMIT})": seconds["gradcam"] / score,
        f"preview by the executables / score (limit {GRADCAM_LIMIT})": seconds["preview"] / score,
        f"a step of integrated gradients / score (limit {STEP_LIMIT})": seconds["steps"] / 2 / score,
        "a mask of occlusion / score": seconds["masks"] / 10 / score,
    }


def peer_figures(seconds: Mapping[str, float]) -> Figures:
    """How many times as long the peer takes."""
    return {
        f"peer's {name} / ours": seconds[f"peer's {name}"] / seconds[name] for name in ("score", "gradcam", "steps")
    }


def completeness(network: Network, images: np.ndarray, steps: int) -> Figures:
    """How well integrated gradients sum to the difference of the scores, and what gradients alone would have missed."""
    found = explain(network, images, Method.INTEGRATED_GRADIENTS, Settings(PathSettings(steps=steps)))
    assert found.baseline_scores is not None and found.residuals is not None
    difference = found.scores - found.baseline_scores
    missed = np.abs(found.maps.mean(axis=(1, 2)) - difference)
    return {
        "integrated gradients: largest error of the sum, in score": float(missed.max()),
        "integrated gradients: mean correction, in score": float(np.abs(found.residuals).mean()),
        "integrated gradients: mean difference, in score": float(np.abs(difference).mean()),
    }


def agreement(network: Network, images: np.ndarray, peer: Mapping[str, np.ndarray]) -> Figures:
    """Correlation of maps by Grad-CAM as published, which both can compute, of the trunk and of the branch."""
    _, ours = run(contributions, network, images)
    return {
        f"{name}: least correlation with the peer's (limit {PEER_CORRELATION})": min(
            float(np.corrcoef(mine.ravel(), theirs.ravel())[0, 1])
            for mine, theirs in zip(np.asarray(ours[name]), peer[name], strict=True)
        )
        for name in ("stage4_features", "conv5_features")
    }


@final
class Peer:
    """Captum in a process of its own, asked for one run after the other."""

    def __init__(self, process: subprocess.Popen[str], maps: Path) -> None:
        self._process, self._maps = process, maps
        names = ("score", "gradcam", "steps")
        self.runs = {f"peer's {name}": partial(self._run, name) for name in names}

    def _run(self, name: str) -> float:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def stop(self) -> Mapping[str, np.ndarray]:
        """Ends it; returns its maps by the names of our features."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        with np.load(self._maps) as file:
            return dict(file)


@contextmanager
def captum(images: np.ndarray) -> Iterator[Peer]:
    """Starts the peer on the same pictures."""
    script = Path(__file__).parent / "peers" / "explain_with_captum.py"
    environment = os.environ | {"PYTHONPATH": str(PEER / "packages")}
    with tempfile.TemporaryDirectory() as folder:
        pictures, maps = Path(folder, "images.npy"), Path(folder, "maps.npz")
        np.save(pictures, images)
        command: list[str | Path] = [PEER / "bin" / "python", script, pictures, maps]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            yield Peer(process, maps)


def cpu_seconds(function: Callable[[], Any]) -> float:
    """What one call takes of this process's CPU time."""
    start = time.process_time()
    function()
    return time.process_time() - start


def interleaved(runs: Mapping[str, Callable[[], float]], turns: int) -> dict[str, float]:
    """Medians of what each run says it took, in turns; the first turn compiles and does not count."""
    for run_once in runs.values():
        run_once()
    seconds = [{name: run_once() for name, run_once in runs.items()} for _ in range(turns)]
    return {name: median(turn[name] for turn in seconds) for name in runs}


def measure_faithfulness(arguments: argparse.Namespace) -> Figures:
    """By method, how often and by how much a map's deletion area beats the centre's and the mean of random orders."""
    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    network = Network.load(store.path(arguments.model), store.manifest(arguments.model))
    files = spread_evenly(arguments.photos, arguments.count)
    kept = Path("build/bench") / f"faithfulness-{network.manifest.ref}-{code_digest()}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    lines = kept.read_text().splitlines() if kept.exists() else []
    areas = {(line["photo"], line["order"]): line["deletion"] for line in map(json.loads, lines)}
    for photos in batched(enumerate(files), arguments.batch, strict=False):
        for found in missing_areas(network, photos, arguments.method, areas):
            areas[found["photo"], found["order"]] = found["deletion"]
            with kept.open("a") as file:
                file.write(json.dumps(found) + "\n")
    return summary([str(file) for file in files], arguments.method, areas)


def code_digest() -> str:
    """Tells apart the states of the code that makes maps and measures them."""
    files = sorted(Path(heatmaps.__path__[0]).glob("*.py"))
    content = b"".join(file.name.encode() + file.read_bytes() for file in files)
    return hashlib.sha256(content).hexdigest()[:12]


def missing_areas(
    network: Network,
    photos: Sequence[tuple[int, Path]],
    methods: Sequence[Method],
    known: Mapping[tuple[str, str], float],
) -> Iterator[dict[str, Any]]:
    """Deletion areas of a batch that are not known yet, by photo and order."""
    images: np.ndarray = np.stack([load(file, network) for _, file in photos])
    size = images.shape[1]
    orders: dict[str, Callable[[], list[Ranks]]] = {
        **{method: partial(_ranked, network, images, method) for method in methods},
        "centre": lambda: [centre_ranks(size)] * len(photos),
        **{
            name: partial(lambda turn: [random_ranks(size, 1000 * turn + index) for index, _ in photos], turn)
            for turn, name in enumerate(random_names())
        },
    }
    missing = [name for name in orders if any((str(file), name) not in known for _, file in photos)]
    if missing:
        curves = Curves.of([network], [{network.preprocessing: image} for image in images], network.frame, CURVE_STEPS)
        for name in missing:
            for (_, file), area in zip(photos, curves.deletion(orders[name]()).tolist(), strict=True):
                yield {"photo": str(file), "order": name, "deletion": area}


def _ranked(network: Network, images: np.ndarray, method: Method) -> list[Ranks]:
    return [to_ranks(values) for values in explain(network, images, method).maps]


def random_names() -> list[str]:
    """Names of the random orders."""
    return [f"random-{turn}" for turn in range(RANDOM_ORDERS)]


def summary(files: Sequence[str], methods: Sequence[Method], areas: Mapping[tuple[str, str], float]) -> Figures:
    """Shares of photos on which a method's deletion area is lower than those of orders that know nothing."""

    def of(order: str) -> np.ndarray:
        return np.array([areas[file, order] for file in files])

    others = {"random": np.mean([of(name) for name in random_names()], axis=0), "centre": of("centre")}
    figures: Figures = {"photos": len(files)}
    for method in methods:
        for other, values in others.items():
            lead = values - of(method)
            limit = f" (limit {FAITHFUL_SHARE})" if other == "random" else ""
            figures[f"{method}: deletion area lower than {other}, share of photos{limit}"] = float((lead > 0).mean())
            figures[f"{method}: by how much on average, in score"] = float(lead.mean())
    return figures


def spread_evenly(folders: Sequence[Path], count: int) -> list[Path]:
    """Photos from folders: as many of each as its share of `count`, evenly from its names."""
    names = [sorted(file for file in folder.iterdir() if file.suffix in {".jpg", ".png"}) for folder in folders]
    files = [file for folder in names for file in folder]
    return [files[index * len(files) // count] for index in range(min(count, len(files)))]


def load(file: Path, network: Network) -> np.ndarray:
    """A photo as the network sees it."""
    return network.preprocessing.apply(decode(file.read_bytes(), file.name))


if __name__ == "__main__":
    main()
