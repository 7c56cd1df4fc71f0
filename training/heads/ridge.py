"""Ridge regression of many heads at once: one JAX program, vectorised over heads and penalties."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


@jax.jit
def whiten(
    activations: Float[Array, "photos landmarks"], landmarks: Float[Array, "landmarks landmarks"]
) -> tuple[Float[Array, "photos landmarks"], Float[Array, "landmarks landmarks"]]:
    """Makes activations such that a plain ridge penalty on their readout is the kernel's norm.

    Args:
        activations: of the photos.
        landmarks: of the landmarks themselves, a positive definite matrix.

    Returns:
        The whitened activations, and the matrix that turns a readout of them into one of the activations.
    """
    jitter = 1e-4 * jnp.eye(len(landmarks))  # of a diagonal of 1: the rounding of float32 in 2,000 terms
    lower = jnp.linalg.cholesky(landmarks + jitter)
    back = jax.scipy.linalg.solve_triangular(lower, jnp.eye(len(landmarks)), lower=True).T
    return activations @ back, back


@jax.jit
def fit_ridge(
    inputs: Float[Array, "photos inputs"],
    targets: Float[Array, "heads photos"],
    weights: Float[Array, "heads photos"],
    penalties: Float[Array, "heads penalties"],
) -> tuple[Float[Array, "heads penalties inputs"], Float[Array, "heads penalties"]]:
    """Weighted ridge regressions.

    Args:
        inputs: of all photos.
        targets: what each head is to predict.
        weights: of each photo for each head; 0 keeps a photo out.
        penalties: of each head, which is fitted with each of them.

    Returns:
        Coefficients and intercepts; a head's intercept is the weighted mean of its targets.
    """
    return jax.vmap(partial(_fit_head, inputs))(targets, weights, penalties)


def _fit_head(
    inputs: Float[Array, "photos inputs"],
    targets: Float[Array, " photos"],
    weights: Float[Array, " photos"],
    penalties: Float[Array, " penalties"],
) -> tuple[Float[Array, "penalties inputs"], Float[Array, " penalties"]]:
    mean = jnp.average(targets, weights=weights)
    weighted = inputs * weights[:, None]
    gram, moment = weighted.T @ inputs, weighted.T @ (targets - mean)

    def solve(penalty: Float[Array, ""]) -> Float[Array, " inputs"]:
        factor = jax.scipy.linalg.cho_factor(gram + penalty * jnp.eye(len(gram)))
        return jax.scipy.linalg.cho_solve(factor, moment)

    # One after another: each takes both cores, and all at once a gigabyte.
    return jax.lax.map(solve, penalties), jnp.full_like(penalties, mean)
