"""What a photo is compared with: itself, so blurred that only its light and colours are left."""

from functools import cache

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Share of the picture's side: at 227 pixels, 23 of them.
BLUR_SIGMA = 0.1


def blurred(images: Float[Array, "batch size size 3"]) -> Float[Array, "batch size size 3"]:
    """Gaussian blur; what lies beyond an edge counts as the edge does. Traceable."""
    weights = jnp.asarray(_blur_matrix(images.shape[1]))
    result: Array = jnp.einsum("yr,brcn,xc->byxn", weights, images, weights, precision="float32")
    return result


@cache
def _blur_matrix(size: int) -> Float[np.ndarray, "size size"]:
    distances = np.arange(size)[:, None] - np.arange(-size, 2 * size)
    kernel = np.exp(-0.5 * (distances / (BLUR_SIGMA * size)) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    inside = kernel[:, size : 2 * size].copy()
    inside[:, 0] += kernel[:, :size].sum(axis=1)
    inside[:, -1] += kernel[:, 2 * size :].sum(axis=1)
    return inside.astype(np.float32)
