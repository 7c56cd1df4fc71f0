"""What a cold start consists of, one phase after the other; run by cold_start.py.

`cold_phases.py STORE PHOTO STARTED_AT` prints seconds by phase as JSON. In a container, phases overlap.
"""

import json
import sys
import time
from pathlib import Path

SECONDS = {"python": time.time() - float(sys.argv[3])}
_last = time.perf_counter()


def phase_ends(name: str) -> None:
    """Books the time since the last phase."""
    global _last  # noqa: PLW0603
    now = time.perf_counter()
    SECONDS[name] = now - _last
    _last = now


import functions.score.wiring  # noqa: E402

phase_ends("imports: model_store, pydantic, numpy, powertools")

import functions.aws.clients  # noqa: E402

functions.aws.clients.s3_client()
functions.aws.clients.dynamodb_client()
phase_ends("imports and clients: boto3")

import jaxlib.xla_client  # noqa: E402, F401

phase_ends("imports: jaxlib")

import numpy as np  # noqa: E402

from model_store.images import Preprocessing, decode  # noqa: E402
from model_store.runtime.ensembles import EnsembleSpec  # noqa: E402
from model_store.runtime.executables import load_executable, read_executables, score_name  # noqa: E402
from model_store.runtime.programs import FLOAT32, prepared_parameters  # noqa: E402
from model_store.runtime.xla import ArrayType, to_device, to_host  # noqa: E402
from model_store.store import ModelStore  # noqa: E402
from model_store.store.layout import PARAMETERS_FILE  # noqa: E402
from model_store.store.tensors import map_tensors  # noqa: E402
from model_store.store.verification import find_problems  # noqa: E402

spec = EnsembleSpec.of_ensemble(ModelStore(Path(sys.argv[1])), "live")
((ref, manifest),) = spec.manifests.items()
folder = spec.folders[ref]
phase_ends("alias, ensemble, manifest")

assert not find_problems(folder, manifest)
phase_ends("parameters read and hashed")

stored = map_tensors(folder / PARAMETERS_FILE)
payloads = read_executables(folder)
score = load_executable(payloads[score_name(1)], [ArrayType((1,), FLOAT32)])
phase_ends("executables read, scoring linked")

params = prepared_parameters(payloads, stored)
phase_ends("parameters prepared")

photo = Path(sys.argv[2])
cut = Preprocessing(manifest.preprocessing.resize, manifest.preprocessing.crop)
pixels = cut.apply(decode(photo.read_bytes(), photo.name))[np.newaxis]
phase_ends("photo decoded")

to_host(*score([*(params[path] for path in sorted(params)), to_device(pixels)]))
phase_ends("photo scored")
print(json.dumps(SECONDS))
