"""What `memorability serve` gives 16 clients at once, beside the bare network on the same photos.

    make bench-serve, or: python -m tests.benchmarks.serving [--photos FOLDER] [--clients N] [--requests N] [--runs N]

Needs the store with an ensemble `live` (`memorability models pull resmem`) that MEMORABILITY_STORE names. The peer is
the same ensemble in this process, on the decoded photos in batches of the largest compiled size; server and peer take
turns, so that only one of them computes. About three minutes.
"""

import argparse
import asyncio
import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx
import numpy as np

from model_store.images import DEFAULT_LIMITS
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.executables import BATCH_SIZES
from model_store.runtime.scoring import DecodedPhoto, Photo, decode_photo
from model_store.store import ModelStore
from tests.serving_process import ServingProcess, serving

ALIAS = "live"
GOAL = 0.9

type Figures = dict[str, float]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("build/demo/photos"), help="folder of photos")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=96, help="in each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.iterdir())
    with serving(Path(os.environ["MEMORABILITY_STORE"]), "--ensemble", ALIAS) as server:
        figures = measure(server, photos, arguments.clients, arguments.requests, arguments.runs)
    print(json.dumps(figures, indent=2) if arguments.json else render(figures))


def measure(server: ServingProcess, photos: list[Path], clients: int, requests: int, runs: int) -> Figures:
    """Medians over runs in turns; the first turn does not count."""
    bodies = [photo.read_bytes() for photo in photos]
    network, rounds = time_network(photos, requests), []
    for _ in range(runs + 1):
        network_processor = time.process_time()
        network_seconds = network()
        network_processor, server_processor = time.process_time() - network_processor, processor_seconds(server.url)
        answers = asyncio.run(load(server.url, bodies, clients, requests))
        server_processor = processor_seconds(server.url) - server_processor
        rounds.append((network_seconds, *answers, server_processor / network_processor))
    alone, served, latencies, failed, processor = zip(*rounds[1:], strict=True)
    every_latency = np.concatenate(latencies)
    return {
        "clients": clients,
        "requests": requests * runs,
        "failed requests": sum(failed),
        "network alone, photos/s": requests / median(alone),
        "server, photos/s": requests / median(served),
        "server, of the network alone": median(ours / theirs for ours, theirs in zip(alone, served, strict=True)),
        "processor time, of the network's": median(processor),
        "latency, median, s": float(np.median(every_latency)),
        "latency, 95th percentile, s": float(np.percentile(every_latency, 95)),
    }


def time_network(photos: list[Path], count: int) -> Callable[[], float]:
    """A function that times the loaded ensemble on `count` decoded photos, in full batches."""
    spec = EnsembleSpec.of_ensemble(ModelStore(Path(os.environ["MEMORABILITY_STORE"])), ALIAS)
    ensemble = spec.load()
    decoded = [decode_photo(Photo(str(path), path.read_bytes), spec.preprocessings, DEFAULT_LIMITS) for path in photos]
    pixels = [photo.pixels for photo in decoded if isinstance(photo, DecodedPhoto)]
    batches = list(itertools.batched(itertools.islice(itertools.cycle(pixels), count), max(BATCH_SIZES), strict=False))

    def score() -> float:
        start = time.perf_counter()
        for batch in batches:
            ensemble.measure(batch)
        return time.perf_counter() - start

    return score


async def load(url: str, bodies: list[bytes], clients: int, requests: int) -> tuple[float, list[float], int]:
    """Has clients send photos one after the other until all requests are made.

    Returns:
        Seconds in all, seconds of each request, and how many did not give a score.
    """
    queue = iter(list(itertools.islice(itertools.cycle(bodies), requests)))
    latencies: list[float] = []
    failed = 0

    async def client(connection: httpx.AsyncClient) -> None:
        nonlocal failed
        for body in queue:
            start = time.perf_counter()
            answer = await connection.post("/invocations", content=body, headers={"content-type": "image/png"})
            latencies.append(time.perf_counter() - start)
            failed += answer.status_code != 200 or answer.json()["status"] != "scored"

    async with httpx.AsyncClient(base_url=url, timeout=60) as connection:
        start = time.perf_counter()
        await asyncio.gather(*(client(connection) for _ in range(clients)))
        return time.perf_counter() - start, latencies, failed


def processor_seconds(url: str) -> float:
    """What the server has taken of all cores so far: steadier than seconds where others work too."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_cpu_seconds_total "))


def render(figures: Figures) -> str:
    """Figures as lines for people, the goal beside its figure."""
    ratio = "server, of the network alone"
    verdict = f"   at least {GOAL:g}: {'yes' if figures[ratio] >= GOAL else 'NO'}"
    return "\n".join(f"{name:<34}{value:10.3f}{verdict if name == ratio else ''}" for name, value in figures.items())


if __name__ == "__main__":
    main()
