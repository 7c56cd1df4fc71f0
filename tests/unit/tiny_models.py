"""Published models small enough to compile in a second: ViTMem on images of 16×16 pixels."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path

import jax
import numpy as np

from model_store.models import registry
from model_store.models.checkpoints import flatten, unflatten
from model_store.models.precision import SCALE_SUFFIX
from model_store.runtime.compiling import compile_and_try
from model_store.store import Manifest, Measure, ModelStore
from model_store.store.layout import COMPILED_FOLDER, PARAMETERS_FILE
from model_store.store.manifest import Licence, Precision, Preprocessing, ReferenceDistribution
from model_store.store.tensors import write_tensors
from tests.reference.seeded_vit import TINY, seeded_state
from tests.unit.store.samples import REFERENCE, describe

# Seeds whose scores lie between 0.06 and 0.83, 0.25 and 1, and 0.003 and 0.37 on `images(20)`: far from a saturated
# sigmoid, which would hide differences.
FIRST, SECOND, ALARMS = 3, 8, 9

# How far apart programs may be that were compiled for other batches: this network's softmax is steep, and one rounding
# of float32 is 6e-8. Measured: at most 1.1e-6.
SCORE_TOLERANCE = 5e-6

CROP = TINY.image_size
PREPROCESSING = Preprocessing(resize=18, crop=CROP)
NON_COMMERCIAL = Licence(name="Tiny Non-commercial License", commercial_use=False, url="https://example.org/tiny")

Check = Callable[[Path, Manifest], None]


def parameters(seed: int) -> dict[str, np.ndarray]:
    """Float32 parameters by path."""
    module = registry.build("vitmem", asdict(TINY))
    return dict(flatten(registry.convert("vitmem", seeded_state(TINY, seed), module, CROP, "the seeded state")))


def plain_scores(seed: int, images: np.ndarray) -> np.ndarray:
    """What the plain Flax module gives."""
    return np.asarray(_network()({"params": unflatten(parameters(seed))}, images))


@cache
def _network() -> Callable[..., jax.Array]:
    return jax.jit(registry.build("vitmem", asdict(TINY)).apply)


def publish(
    store: ModelStore,
    name: str,
    seed: int,
    *,
    check: Check = compile_and_try,
    measure: Measure = Measure.HIT_RATE,
    precision: Precision = Precision.FLOAT32,
    preprocessing: Preprocessing = PREPROCESSING,
    reference: ReferenceDistribution | None = REFERENCE,
) -> Manifest:
    """Publishes a model as `name@1`; by default it is compiled."""
    description = describe(measure).model_copy(
        update={
            "architecture": "vitmem",
            "architecture_settings": asdict(TINY),
            "preprocessing": preprocessing,
            "precision": precision,
            "licence": NON_COMMERCIAL,
            "reference": reference,
            "golden": (),
        }
    )
    params = parameters(seed)
    with store.draft(name, "1") as draft:
        write_tensors(draft.path / PARAMETERS_FILE, narrow(params) if precision is Precision.COMPACT else params)
        return draft.commit(description, check=check)


def narrow(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Stores kernels as `compact` stores much larger ones: one in 8 bits with its scale, the others in 16."""
    stored: dict[str, np.ndarray] = {}
    for path, value in params.items():
        if path == "block_0/fc1/kernel":
            scale = np.abs(value).max(axis=0) / 127
            stored[path], stored[path + SCALE_SUFFIX] = np.rint(value / scale).astype(np.int8), scale
        else:
            stored[path] = value.astype(np.float16) if path.endswith("kernel") else value
    return stored


def with_executables_of(compiled: Path) -> Check:
    """A check that takes over another version's executables: the programs are the same, whatever the weights are."""

    def check(folder: Path, _manifest: Manifest) -> None:
        shutil.copytree(compiled / COMPILED_FOLDER, folder / COMPILED_FOLDER)

    return check


def images(count: int, seed: int = 0) -> np.ndarray:
    """Random preprocessed images."""
    return np.random.default_rng(seed).integers(0, 256, (count, CROP, CROP, 3), dtype=np.uint8)
