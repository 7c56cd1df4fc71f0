"""What `tests.benchmarks.speed` measured, beside what was asked: as a table, as JSON and as a plot."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

GAUGES = ("decoding", "matrix product")  # what is measured beside the networks
GEMM_SIDE = 1536  # of the matrices whose product tells what the machine can do

type Results = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Ratio:
    """A figure that was asked for; `value` is by the clock, `by_processor` by processor time where that says more."""

    name: str
    asked: float
    value: float
    by_processor: float | None = None


@dataclass(frozen=True)
class Report:
    """All figures of a run.

    Attributes:
        results: by number of threads, then by "contestant, images".
        difference: largest, of served scores from the plain graph's.
        photo_mb: size of the file whose decoding was timed.
    """

    results: Mapping[int, Results]
    difference: float
    photo_mb: float

    @property
    def matrix_product_gflops(self) -> dict[int, float]:
        """What a large product reaches, by number of threads."""
        return {
            threads: 2 * GEMM_SIDE**3 / figure(results, "matrix product", 1, "seconds") / 1e9
            for threads, results in self.results.items()
        }

    def ratios(self) -> Iterator[Ratio]:
        """What was asked for, as far as it was measured: on the fewest threads."""
        results = self.results[min(self.results)]
        asked = (
            ("one image, of ONNX Runtime's time", 0.95, ("ours", "ONNX Runtime"), 1),
            ("one image, of PyTorch's time", 0.55, ("ours", "PyTorch"), 1),
            ("20 images, of ONNX Runtime's time", 0.90, ("ours", "ONNX Runtime"), 20),
            (f"12 MP JPEG ({self.photo_mb:.1f} MB) decoded and cut, of our time", 0.35, ("decoding", "ours"), 1),
        )
        for name, limit, (ours, theirs), images in asked:
            if {f"{ours}, {images}", f"{theirs}, {images}"} <= results.keys():
                pair = (results, ours, theirs, images)
                yield Ratio(name, limit, ratio(*pair, "seconds"), ratio(*pair, "processor_seconds"))
        if "PyTorch, 1" in results:
            memory = ratio(results, "ours", "PyTorch", 1, "peak_mb")
            yield Ratio("peak memory for one image, of PyTorch's", 0.6, memory)
        yield Ratio("scores, largest difference from the plain graph's", 1e-4, self.difference)

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        return {
            "results": self.results,
            "matrix_product_gflops": self.matrix_product_gflops,
            "ratios": [asdict(ratio) for ratio in self.ratios()],
        }


def figure(results: Results, name: str, images: int, key: str) -> float:
    """One median, of those that every machine can measure."""
    value = results[f"{name}, {images}"][key]
    assert value is not None
    return value


def ratio(results: Results, ours: str, theirs: str, images: int, key: str) -> float:
    """One contestant's figure, of another's."""
    return figure(results, ours, images, key) / figure(results, theirs, images, key)


def render(report: Report) -> str:
    """The figures as lines for people."""
    lines = [line for threads, results in report.results.items() for line in _table(threads, results)]
    for threads, gflops in report.matrix_product_gflops.items():
        lines.append(f"a large matrix product on {_in_words(threads)}: {gflops:.0f} GFLOP/s")
    lines.append(f"\n{'':<58}{'asked':>8}{'reached':>10}   by processor time")
    for found in report.ratios():
        processor = "" if found.by_processor is None else f"{found.by_processor:>8.2f}"
        verdict = "" if found.value <= found.asked else "   NOT REACHED"
        lines.append(f"{found.name:<58}{found.asked:>8.2g}{found.value:>10.2g}   {processor}{verdict}")
    return "\n".join(lines)


def _table(threads: int, results: Results) -> Iterator[str]:
    titles = ("ms an image", "processor ms", "peak MB", "10^9 instr.", "ours to it")
    yield f"{_in_words(threads):<28}{''.join(f'{title:>14}' for title in titles)}"
    for key in results:
        name, _, images = key.rpartition(", ")
        n_images = int(images)
        seconds, busy, peak = (figure(results, name, n_images, k) for k in ("seconds", "processor_seconds", "peak_mb"))
        instructions = results[key]["instructions"]
        counted = "not counted" if instructions is None else f"{instructions / n_images / 1e9:.1f}"
        cells = (f"{1000 * seconds / n_images:.1f}", f"{1000 * busy / n_images:.1f}", f"{peak:.0f}", counted)
        to_it = "" if name in GAUGES else f"{ratio(results, 'ours', name, n_images, 'seconds'):.2f}"
        yield f"{key:<28}{''.join(f'{cell:>14}' for cell in (*cells, to_it))}"


def _in_words(threads: int) -> str:
    """The number of threads in words."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def plot(results: Mapping[int, Results], file: Path) -> None:
    """Bars: milliseconds an image by contestant, one panel for each number of threads."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figures, panels = plt.subplots(
        1, len(results), figsize=(5 * len(results), 3.8), squeeze=False, sharey=True, layout="constrained"
    )
    for panel, (threads, by_key) in zip(panels[0], results.items(), strict=True):
        batches = sorted({int(key.rpartition(", ")[2]) for key in by_key})
        names = dict.fromkeys(key.rpartition(", ")[0] for key in by_key)
        networks = [name for name in names if name not in GAUGES]
        width = 1 / (len(networks) + 1)
        for index, name in enumerate(networks):
            heights = [1000 * figure(by_key, name, images, "seconds") / images for images in batches]
            panel.bar(np.arange(len(batches)) + index * width, heights, width, label=name)
        panel.set_xticks(np.arange(len(batches)) + 0.4, [str(images) for images in batches])
        panel.set(title=f"on {_in_words(threads)}", xlabel="images at a time", ylabel="ms an image")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figures.legend(handles, labels, loc="outside upper center", ncols=len(handles))
    file.parent.mkdir(parents=True, exist_ok=True)
    figures.savefig(file, dpi=120)
    plt.close(figures)
