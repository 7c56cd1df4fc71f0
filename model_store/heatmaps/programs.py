"""How the programs of heatmaps are compiled, on whatever device JAX has."""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import jax
from jaxtyping import Array, Float

from model_store.heatmaps.modules import Module, Params
from model_store.heatmaps.networks import Network
from model_store.runtime.executables import GRADIENT_COMPILER_OPTIONS


def run(function: Callable[..., Any], network: Network, *arguments: Any) -> Any:
    """Calls a traceable function of a network, compiled once for each architecture and shape.

    Every product is computed in float32: tensor cores would round maps to ten bits.

    Args:
        function: (module, parameters, *arguments) → arrays.
        network: what it is a function of.
        arguments: arrays, on the host or the device.
    """
    with jax.default_matmul_precision("float32"):
        return _compiled(function)(network.module, network.params, *arguments)


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    options = GRADIENT_COMPILER_OPTIONS if jax.default_backend() == "cpu" else None
    return jax.jit(function, static_argnums=0, compiler_options=options)


def score(module: Module, params: Params, images: Float[Array, "batch size size 3"]) -> Float[Array, " batch"]:
    """Scores of pictures in 0..1; traceable."""
    return cast("Array", module.apply({"params": params}, images))


def score_mixed(
    module: Module,
    params: Params,
    images: Float[Array, "batch size size 3"],
    others: Float[Array, "batch size size 3"],
    shown: Float[Array, "masks size size"],
) -> Float[Array, " batch"]:
    """Scores of pictures where the mask is 1, of other pictures where it is 0; one mask each, or one for all."""
    return score(module, params, others + shown[..., None] * (images - others))
