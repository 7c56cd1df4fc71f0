"""A published network as something to train: its parameters in float32, and its scores in a chosen precision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.models import registry
from model_store.models.checkpoints import unflatten
from model_store.models.layers import to_unit_range
from model_store.models.precision import widen
from model_store.runtime.loading import load_tensors
from model_store.store import Manifest, ModelStore
from training.fine_tuning.batches import Crops
from training.fine_tuning.settings import ComputePrecision

HEAD = "head"
# These compute in float32 in any case: scores need the digits, and so does the branch's response normalisation, which
# adds some hundredths to 1. Together they are 5 % of ResMem's work.
_EXACT = (HEAD, "branch")

type Params = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """A network and how it computes.

    Attributes:
        module: from the registry.
        precision: of all but head and branch.
    """

    module: nn.Module = field(repr=False)
    precision: ComputePrecision

    def __call__(self, params: Params, images: UInt8[Array, "batch height width 3"]) -> Float[Array, " batch"]:
        """Scores in float32; traceable and differentiable by the parameters."""
        pixels = to_unit_range(images)
        if self.precision is ComputePrecision.FLOAT32:
            scores: Any = self.module.apply({"params": params}, pixels)
        else:
            given = {name: part if name in _EXACT else _narrowed(part) for name, part in params.items()}
            with nn.intercept_methods(_narrow_inputs):
                scores = self.module.apply({"params": given}, pixels)
        return jnp.asarray(scores, jnp.float32)


def read_network(
    store: ModelStore, manifest: Manifest, precision: ComputePrecision
) -> tuple[Network, dict[str, np.ndarray]]:
    """A published network, and its parameters by path, on the host.

    Raises:
        CorruptModelError: a file is not as published.
    """
    stored = load_tensors(store.path(manifest.ref), manifest)
    module = registry.build(manifest.architecture, manifest.architecture_settings)
    return Network(module, precision), widened(stored)


def widened(stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Stored tensors as float32 parameters by path, on the host."""
    with jax.default_device(jax.devices("cpu")[0]):
        return {path: np.asarray(value) for path, value in jax.jit(widen)(dict(stored)).items()}


def scores_as_served(
    architecture: str, settings: Mapping[str, Any], parameters: Mapping[str, np.ndarray], images: Crops
) -> list[float]:
    """What the plain network gives on a CPU, in float32, whatever it was trained on."""
    module = registry.build(architecture, settings)
    with jax.default_device(jax.devices("cpu")[0]):
        scores: list[float] = jax.jit(module.apply)({"params": unflatten(parameters)}, images).tolist()
    return scores


def _narrowed(params: Any) -> Any:
    return jax.tree.map(lambda value: value.astype(jnp.bfloat16), params)


def _narrow_inputs(
    call: Callable[..., Any],
    arguments: tuple[Any, ...],
    settings: dict[str, Any],
    context: nn.module.InterceptorContext,
) -> Any:
    """Hands bfloat16 to every layer with narrow parameters, so that it computes in bfloat16."""
    module = context.module
    if isinstance(module, nn.Conv | nn.Dense) and module.path[0] not in _EXACT:
        arguments = tuple(value.astype(jnp.bfloat16) for value in arguments)
    return call(*arguments, **settings)
