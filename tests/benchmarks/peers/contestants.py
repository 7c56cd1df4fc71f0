"""One way to run ResMem, asked for one run after the other: `contestants.py NAME THREADS MODEL IMAGES.npy`.

Each line of standard input is a number of images; each is answered by a line of JSON: seconds, processor seconds, peak
memory in MB, instructions where they can be counted, and scores. Peers run in an environment of their own, all others
in the project's.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from instructions import InstructionCounter  # type: ignore[import-not-found]

# The peers live in Python 3.11, which knows no `type` statement.
Array = np.ndarray[Any, Any]
Run = Callable[[Array], Any]


def ours(_threads: int, model: str) -> Run:
    """The runtime that serves; its threads are the cores that the process may use."""
    from model_store.runtime.loading import load_model
    from model_store.store import ModelStore

    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    loaded = load_model(store.path(model), store.manifest(model))
    if not loaded.programs.ahead_of_time:
        raise SystemExit(f"{model} has no executables for this machine: run `memorability models pull {model}`")
    return loaded


def plain_graph(_threads: int, model: str) -> Run:
    """The Flax module as it is written, with the same stored parameters: what transformed graphs are compared with."""
    import jax

    from model_store.runtime.graph import serving_graph
    from model_store.runtime.loading import load_tensors
    from model_store.store import ModelStore

    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    manifest = store.manifest(model)
    stored = jax.device_put(dict(load_tensors(store.path(model), manifest)))
    graph = serving_graph(manifest, transformations=())
    params = stored | jax.jit(graph.prepare)(stored)
    score = jax.jit(graph.score)
    return lambda images: score(params, images)


def onnxruntime(threads: int, model: str) -> Run:
    """The exported graph with every optimisation."""
    import onnxruntime as runtime  # type: ignore[import-not-found]

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(images: Array) -> Array:
        pictures = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / 255
        scores: Array = session.run(None, {"images": pictures})[0]
        return scores

    return run


def pytorch(threads: int, _model: str, *, compiled: bool = False) -> Run:
    """The published package."""
    import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
    import torch
    from resmem import ResMem

    torch.set_num_threads(threads)
    network = ResMem(pretrained=True).eval()
    network = torch.compile(network) if compiled else network

    def run(images: Array) -> Array:
        with torch.inference_mode():
            scores = network(torch.from_numpy(images).permute(0, 3, 1, 2).float().contiguous() / 255)
        result: Array = scores.numpy()
        return result

    return run


def compiled_pytorch(threads: int, model: str) -> Run:
    """The same behind `torch.compile`."""
    return pytorch(threads, model, compiled=True)


def decoding(_threads: int, photo: str) -> Run:
    """What comes before the network: a photo's file decoded and cut, once for each image."""
    from model_store.images import Preprocessing, decode_scaled

    data, cut = Path(photo).read_bytes(), Preprocessing()

    def run(images: Array) -> Array:
        for _ in images:
            picture = decode_scaled(data, photo, cut.shorter_side)
            cut.apply(picture.image, picture.region)
        return np.zeros(0)

    return run


def matrix_product(_threads: int, side: str) -> Run:
    """A product of two matrices of `side` rows and columns in NumPy, which no direct convolution outdoes."""
    matrix = np.random.default_rng(0).random((int(side), int(side)), dtype=np.float32)

    def run(_images: Array) -> Array:
        matrix @ matrix
        return np.zeros(0)

    return run


CONTESTANTS: "dict[str, Callable[[int, str], Run]]" = {
    "ours": ours,
    "plain graph": plain_graph,
    "ONNX Runtime": onnxruntime,
    "PyTorch": pytorch,
    "PyTorch, compiled": compiled_pytorch,
    "decoding": decoding,
    "matrix product": matrix_product,
}


def peak_mb() -> float:
    """The most memory that this process has had."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024 / 1e6


def main() -> None:
    """Answers every line."""
    name, threads, model = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    counter = InstructionCounter()
    run = CONTESTANTS[name](threads, model)
    photos = np.load(sys.argv[4])
    for line in sys.stdin:
        images = photos[np.arange(int(line)) % len(photos)]
        before, start, processor = counter.count(), time.perf_counter(), time.process_time()
        scores = np.asarray(run(images))
        seconds, busy, after = time.perf_counter() - start, time.process_time() - processor, counter.count()
        answer = {
            "seconds": seconds,
            "processor_seconds": busy,
            "peak_mb": peak_mb(),
            "instructions": None if before is None or after is None else after - before,
            "scores": scores.ravel().tolist(),
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
