"""Our runtime beside its peers: the same weights and photos, in turns, on one and two threads.

    make bench, or: python -m tests.benchmarks.speed [--quick] [--rounds N] [--batches 1,4,8,20] [--threads 1,2]

Needs ResMem in the store that MEMORABILITY_STORE names, the demo photos, and the peers in build/peers. Every contestant
lives in a process of its own, all at once, and each round asks each of them for one run: what else the machine does
falls on all alike. Decoding and a large matrix product take turns with single images. Figures are medians. Writes
build/bench/speed.json and docs/images/speed.png. Seven minutes on two quiet cores, `--quick` one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from model_store.images import Preprocessing, decode
from tests.benchmarks.speed_report import GAUGES, GEMM_SIDE, Report, Results, plot, render

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "build/peers"
PROGRAM = Path(__file__).parent / "peers/contestants.py"
MODEL = "resmem@1.1.6"
NETWORKS = ("ours", "ONNX Runtime", "PyTorch", "PyTorch, compiled")
PEER_NAMES = frozenset(NETWORKS[1:])
PHONE_PHOTO = (4000, 3000)
FIGURES = ("seconds", "processor_seconds", "peak_mb", "instructions")

type Answer = Mapping[str, Any]


class ContestantError(Exception):
    """A contestant that does not run here."""


class Contestant:
    """A process that runs ResMem when it is asked to."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        """Takes over a process of `contestants.py`."""
        self._name = name
        self._process = process

    def run(self, images: int) -> Answer:
        """Figures of one run on that many images.

        Raises:
            ContestantError: the process has ended; what it said is on stderr.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(images, file=self._process.stdin, flush=True)
            answer: Answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            raise ContestantError(f"{self._name} does not run here") from error
        return answer


@contextmanager
def contestant(name: str, threads: int, inputs: Path) -> Iterator[Contestant]:
    """Starts one, and ends it."""
    is_peer = name in PEER_NAMES
    models = {
        "ONNX Runtime": str(PEERS / "resmem.onnx"),
        "decoding": str(inputs / "photo.jpg"),
        "matrix product": str(GEMM_SIDE),
    }
    command = [
        str(PEERS / "bin/python") if is_peer else sys.executable,
        *(str(PROGRAM), name, str(threads), models.get(name, MODEL), str(inputs / "images.npy")),
    ]
    path = str(PEERS / "packages") if is_peer else str(ROOT)
    # NumPy's threads begin with its import, before the process can be bound to its cores.
    environment = os.environ | {
        "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", "OPENBLAS_NUM_THREADS": str(threads)
    }  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Contestant(name, process)
        finally:
            process.kill()


def measure(names: Sequence[str], threads: int, inputs: Path, rounds: Mapping[int, int]) -> Results:
    """Medians by "contestant, images".

    Args:
        names: of contestants; one that does not run here is left out.
        threads: that each may use.
        inputs: folder of what they are given.
        rounds: by number of images, in rising order: a process's peak memory never falls. One more round warms up.
    """
    answers: dict[str, list[Answer]] = {}
    with ExitStack() as stack:
        running = {name: stack.enter_context(contestant(name, threads, inputs)) for name in names}
        for name in [name for name, process in running.items() if not _starts(process)]:
            print(f"left out: {name}, which does not run here", file=sys.stderr)
            del running[name]
        for images, n_rounds in rounds.items():
            taking_part = {name: process for name, process in running.items() if images == 1 or name not in GAUGES}
            for _ in range(n_rounds + 1):
                for name, process in taking_part.items():
                    answers.setdefault(f"{name}, {images}", []).append(process.run(images))
    return {key: _medians(runs[1:]) for key, runs in answers.items()}


def _starts(process: Contestant) -> bool:
    try:
        process.run(1)
    except ContestantError:
        return False
    return True


def _medians(answers: Sequence[Answer]) -> dict[str, float | None]:
    values = {figure: [answer[figure] for answer in answers] for figure in FIGURES}
    return {figure: None if None in found else median(found) for figure, found in values.items()}


def largest_difference(images: int, inputs: Path) -> float:
    """Between the scores that are served and those of the plain graph with the same parameters."""
    with contestant("ours", 1, inputs) as served, contestant("plain graph", 1, inputs) as plain:
        return float(np.abs(np.subtract(served.run(images)["scores"], plain.run(images)["scores"])).max())


def write_inputs(photos: Path, folder: Path) -> None:
    """The photos as the network sees them, and a photo like a phone's: theirs side by side, as sharp as they are."""
    images = [decode(file.read_bytes(), file.name) for file in sorted(photos.iterdir())]
    np.save(folder / "images.npy", np.stack([Preprocessing().apply(image) for image in images]))
    page, (left, top, row) = Image.new("RGB", PHONE_PHOTO), (0, 0, PHONE_PHOTO[1])
    for image in cycle(images):
        if top >= page.height:
            break
        page.paste(image, (left, top))
        left, row = left + image.width, min(row, image.height)
        if left >= page.width:
            left, top, row = 0, top + row, PHONE_PHOTO[1]
    jpeg = BytesIO()
    page.save(jpeg, "JPEG", quality=95)
    (folder / "photo.jpg").write_bytes(jpeg.getvalue())


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of 1 and 4 images on one thread")
    parser.add_argument("--rounds", type=int, default=9, help="of one image; half as many of more")
    parser.add_argument("--batches", default="1,4,8,20", help="numbers of images")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--photos", type=Path, default=ROOT / "build/demo/photos")
    parser.add_argument("--contestants", default=";".join(NETWORKS), help="separated by semicolons")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.batches, arguments.threads = 1, "1,4", "1"
    batches = sorted({1, *map(int, arguments.batches.split(","))})
    rounds = {images: arguments.rounds if images == 1 else (arguments.rounds + 1) // 2 for images in batches}
    names = [*dict.fromkeys(["ours", *arguments.contestants.split(";")]), *GAUGES]
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder)
        write_inputs(arguments.photos, inputs)
        results = {int(n): measure(names, int(n), inputs, rounds) for n in arguments.threads.split(",")}
        difference = largest_difference(max(batches), inputs)
        report = Report(results, difference, photo_mb=(inputs / "photo.jpg").stat().st_size / 1e6)
    output = ROOT / "build/bench/speed.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report.as_json(), indent=1))
    if not arguments.quick:
        plot(results, ROOT / "docs/images/speed.png")
    print(render(report))


if __name__ == "__main__":
    main()
