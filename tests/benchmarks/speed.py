"""Our runtime beside its peers: the same weights and images, in turns, on one and two threads.

    make bench-speed, or: python -m tests.benchmarks.speed [--rounds N] [--batches 1,8,20] [--threads 1,2]

Needs ResMem in the store that MEMORABILITY_STORE names and the peers in build/peers. Every contestant lives in a
process of its own, all at once, and each round asks each of them for one run: what else the machine does falls on all
alike. Ratios are of medians; processor time is steadier than seconds where others work too. Writes
build/bench/speed.json and docs/images/speed.png. About ten minutes.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "build/peers"
PROGRAM = Path(__file__).parent / "peers/contestants.py"
MODEL = "resmem@1.1.6"
NAMES = ("ours", "ONNX Runtime", "PyTorch", "PyTorch, compiled")
GEMM_SIDE = 1536
FIGURES = ("seconds", "processor_seconds", "peak_mb")

type Answer = Mapping[str, float]
type Results = dict[str, dict[str, float]]


class Contestant:
    """A process that runs ResMem when it is asked to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Takes over a process of `contestants.py`."""
        self._process = process

    def run(self, images: int) -> Answer:
        """Figures of one run on that many images."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(images, file=self._process.stdin, flush=True)
        answer: Answer = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def contestant(name: str, threads: int) -> Iterator[Contestant]:
    """Starts one, and ends it."""
    python = sys.executable if name == "ours" else str(PEERS / "bin/python")
    path = str(ROOT) if name == "ours" else str(PEERS / "packages")
    model = str(PEERS / "resmem.onnx") if name == "ONNX Runtime" else MODEL
    command = [python, str(PROGRAM), name, str(threads), model]
    environment = os.environ | {"PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Contestant(process)
        assert process.stdin is not None
        process.stdin.close()


def measure(batches: Sequence[int], threads: int, rounds: int, names: Sequence[str]) -> Results:
    """Medians by "contestant, images"; the first round warms up and does not count."""
    answers: dict[str, list[Answer]] = {}
    with ExitStack() as stack:
        running = {name: stack.enter_context(contestant(name, threads)) for name in names}
        for batch in batches:
            for _ in range(rounds + 1):
                for name, process in running.items():
                    answers.setdefault(f"{name}, {batch}", []).append(process.run(batch))
    return {
        key: {figure: median(answer[figure] for answer in runs[1:]) for figure in FIGURES}
        for key, runs in answers.items()
    }


def sgemm_gflops() -> float:
    """What a large matrix product reaches in NumPy on all cores: the limit of a direct convolution."""
    import time

    matrix = np.random.default_rng(0).random((GEMM_SIDE, GEMM_SIDE), dtype=np.float32)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return 2 * GEMM_SIDE**3 / best / 1e9


def render(threads: int, results: Results) -> str:
    """One line a contestant and batch, with its ratio to ours."""
    lines = [f"{threads} thread(s)   contestant, images        ms an image   processor ms   peak MB   ours to it"]
    for key, figures in results.items():
        images = int(key.rpartition(", ")[2])
        ours = results[f"ours, {images}"]
        milliseconds, busy = (1000 * figures[name] / images for name in ("seconds", "processor_seconds"))
        ratio = ours["seconds"] / figures["seconds"]
        processor_ratio = ours["processor_seconds"] / figures["processor_seconds"]
        lines.append(
            f"{key:<38}{milliseconds:>14.1f}{busy:>15.1f}{figures['peak_mb']:>10.0f}"
            f"   {ratio:.2f} ({processor_ratio:.2f} by processor time)"
        )
    return "\n".join(lines)


def plot(results: Mapping[int, Results], file: Path) -> None:
    """Bars: milliseconds an image by contestant, one panel for each number of threads."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(results), figsize=(5 * len(results), 3.5), squeeze=False, sharey=True)
    for panel, (threads, by_key) in zip(panels[0], results.items(), strict=True):
        names = list(dict.fromkeys(key.rpartition(", ")[0] for key in by_key))
        batches = list(dict.fromkeys(int(key.rpartition(", ")[2]) for key in by_key))
        for index, name in enumerate(names):
            heights = [1000 * by_key[f"{name}, {batch}"]["seconds"] / batch for batch in batches]
            panel.bar(np.arange(len(batches)) + index / (len(names) + 1), heights, 1 / (len(names) + 1), label=name)
        panel.set_xticks(np.arange(len(batches)) + 0.4, [str(batch) for batch in batches])
        panel.set(title=f"{threads} thread(s)", xlabel="images at a time", ylabel="ms an image")
    panels[0][0].legend()
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", default="1,4,8,20")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--contestants", default=";".join(NAMES), help="separated by semicolons")
    arguments = parser.parse_args()
    batches = [int(batch) for batch in arguments.batches.split(",")]
    names = arguments.contestants.split(";")
    results = {int(n): measure(batches, int(n), arguments.rounds, names) for n in arguments.threads.split(",")}
    report = {"sgemm_gflops": sgemm_gflops(), "results": results}
    output = ROOT / "build/bench/speed.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1))
    plot(results, ROOT / "docs/images/speed.png")
    for threads, by_key in results.items():
        print(render(threads, by_key))
    print(f"a large matrix product: {report['sgemm_gflops']:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
