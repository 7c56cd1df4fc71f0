"""Runs a network and collects the features that `taps` names."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Protocol

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from model_store.models.taps import Pooling, Tap

_COLLECTION = "intermediates"


class Network(Protocol):
    """A Flax module, or what applies like one."""

    def apply(self, *arguments: Any, **settings: Any) -> Any:
        """Computes the network, as `flax.linen.Module.apply` does."""


def score_and_features(
    module: Network,
    params: Mapping[str, Any],
    taps: Sequence[Tap],
    images: UInt8[Array, "batch height width 3"] | Float[Array, "batch height width 3"],
) -> tuple[Float[Array, " batch"], Float[Array, "batch features"]]:
    """Scores and features of one forward pass; traceable.

    Args:
        module: the network, or what applies like it.
        params: its nested parameters.
        taps: which features, in which order.
        images: preprocessed.
    """
    tapped = {tap.module for tap in taps}

    def is_tapped(inner: nn.Module, method: str) -> bool:
        return method == "__call__" and "/".join(inner.path) in tapped

    scores, state = module.apply({"params": params}, images, capture_intermediates=is_tapped, mutable=[_COLLECTION])
    outputs = state[_COLLECTION]
    return scores, jnp.concatenate([_pool(_output(outputs, tap.module), tap.pooling) for tap in taps], axis=1)


def _output(outputs: Mapping[str, Any], module: str) -> Float[Array, "batch ..."]:
    output: Float[Array, "batch ..."]
    (output,) = reduce(lambda tree, name: tree[name], module.split("/"), outputs)["__call__"]
    return output


def _pool(values: Float[Array, "batch ..."], pooling: Pooling) -> Float[Array, "batch features"]:
    places = tuple(range(1, values.ndim - 1))
    match pooling:
        case Pooling.MEAN:
            return values.mean(axis=places)
        case Pooling.SPREAD:
            return values.std(axis=places)
        case Pooling.MAXIMUM:
            return values.max(axis=places)
        case Pooling.CLASS_TOKEN:
            return values[:, 0]
        case Pooling.NONE:
            return values
