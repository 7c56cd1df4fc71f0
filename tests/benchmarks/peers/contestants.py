"""One way to run ResMem, asked for one run after the other: `contestants.py NAME THREADS [MODEL]`.

Each line of standard input is a number of images; each is answered by a line of JSON: seconds, processor seconds, peak
memory in MB. Runs in the peers' environment, and for `ours` in the project's.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 227
# The peers live in Python 3.11, which knows no `type` statement.
Images = np.ndarray[Any, Any]
Run = Callable[[Images], object]


def ours(_threads: int, model: str) -> Run:
    """The runtime that serves; its threads are the cores that the process may use."""
    from model_store.runtime.loading import load_model
    from model_store.store import ModelStore

    store = ModelStore(Path(os.environ["MEMORABILITY_STORE"]))
    loaded = load_model(store.path(model), store.manifest(model))
    if not loaded.programs.ahead_of_time:
        raise SystemExit(f"{model} has no executables for this machine: run `memorability models pull {model}`")
    return loaded


def onnxruntime(threads: int, model: str) -> Run:
    """The exported graph with every optimisation; it was exported for one image, so a batch is a loop."""
    import onnxruntime as runtime  # type: ignore[import-not-found]

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    together = session.get_inputs()[0].shape[0] != 1

    def run(images: Images) -> list[object]:
        pictures = images.astype(np.float32).transpose(0, 3, 1, 2) / 255
        parts = [pictures] if together else np.split(pictures, len(pictures))
        return [session.run(None, {name: np.ascontiguousarray(part)}) for part in parts]

    return run


def pytorch(threads: int, _model: str, *, compiled: bool = False) -> Run:
    """The published package."""
    import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
    import torch
    from resmem import ResMem

    torch.set_num_threads(threads)
    network = ResMem(pretrained=True).eval()
    network = torch.compile(network) if compiled else network

    def run(images: Images) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(images).permute(0, 3, 1, 2).float().contiguous() / 255)

    return run


def compiled_pytorch(threads: int, model: str) -> Run:
    """The same behind `torch.compile`."""
    return pytorch(threads, model, compiled=True)


CONTESTANTS = {
    "ours": ours,
    "ONNX Runtime": onnxruntime,
    "PyTorch": pytorch,
    "PyTorch, compiled": compiled_pytorch,
}


def main() -> None:
    """Answers every line."""
    name, threads, model = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    run = CONTESTANTS[name](threads, model)
    random = np.random.default_rng(0)
    for line in sys.stdin:
        images = random.integers(0, 256, (int(line), SIDE, SIDE, 3), dtype=np.uint8)
        start, processor = time.perf_counter(), time.process_time()
        run(images)
        seconds, busy = time.perf_counter() - start, time.process_time() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(json.dumps({"seconds": seconds, "processor_seconds": busy, "peak_mb": peak}), flush=True)


if __name__ == "__main__":
    main()
