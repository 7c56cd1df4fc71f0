"""One update of the parameters: AdamW, two learning rates that rise and fall, gradients of several parts added up."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, UInt8

from training.fine_tuning.network import HEAD, Network, Params
from training.fine_tuning.settings import FineTuneSettings

_FINAL_SHARE = 0.01  # of the peak learning rate, at the last update
_TRUNK = "trunk"


class TrainState(NamedTuple):
    """What an update changes."""

    params: Params
    optimiser: Any


type Update = Callable[
    [TrainState, UInt8[np.ndarray, "batch height width 3"], Float[np.ndarray, " batch"], Float[Array, ""]],
    tuple[TrainState, Float[Array, ""]],
]
"""Gives the state after an update with a share of the peak learning rates, and the mean squared error before it.

The state that it was given is used up.
"""


def learning_rates(settings: FineTuneSettings, n_steps: int) -> optax.Schedule:
    """Share of the peak learning rates by step, counted from 0: a linear warm-up, then half a cosine."""
    warmup = max(1, round(settings.warmup_share * n_steps))
    return optax.warmup_cosine_decay_schedule(0.0, 1.0, warmup, max(n_steps, warmup + 1), _FINAL_SHARE)


def make_optimiser(settings: FineTuneSettings) -> optax.GradientTransformation:
    """AdamW for head and trunk, each with its own peak learning rate."""

    def adamw(peak: float) -> optax.GradientTransformation:
        return optax.adamw(peak, weight_decay=settings.weight_decay, mask=_is_kernel)

    parts = {HEAD: adamw(settings.learning_rate), _TRUNK: adamw(settings.trunk_learning_rate)}
    return optax.chain(optax.clip_by_global_norm(settings.gradient_limit), optax.partition(parts, _parts))


def make_update(network: Network, optimiser: optax.GradientTransformation, accumulate: int) -> Update:
    """Compiles the update; its state's buffers are reused.

    Args:
        network: to train.
        optimiser: from `make_optimiser`.
        accumulate: parts that a batch is computed in, one after another.
    """

    def error(
        params: Params, images: UInt8[Array, "part height width 3"], scores: Float[Array, " part"]
    ) -> Float[Array, ""]:
        return jnp.mean(jnp.square(network(params, images) - scores))

    def update(
        state: TrainState,
        images: UInt8[Array, "batch height width 3"],
        scores: Float[Array, " batch"],
        rate: Float[Array, ""],
    ) -> tuple[TrainState, Float[Array, ""]]:
        def add(total: Any, part: tuple[Array, Array]) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, total, jax.value_and_grad(error)(state.params, *part)), None

        parts = jax.tree.map(lambda whole: whole.reshape(accumulate, -1, *whole.shape[1:]), (images, scores))
        nothing = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, state.params))
        total, _ = jax.lax.scan(add, nothing, parts)
        loss, gradients = jax.tree.map(lambda value: value / accumulate, total)
        changes, optimiser_state = optimiser.update(gradients, state.optimiser, state.params)
        changed = jax.tree.map(lambda value, change: value + rate * change, state.params, changes)
        return TrainState(changed, optimiser_state), loss

    compiled: Update = jax.jit(update, donate_argnums=0)
    return compiled


def _parts(params: Params) -> dict[str, str]:
    """Which learning rate each part of the network has."""
    return {name: HEAD if name == HEAD else _TRUNK for name in params}


def _is_kernel(params: Params) -> Any:
    """Weight decay is for kernels: biases and scales may grow."""
    return jax.tree.map(lambda value: value.ndim > 1, params)
