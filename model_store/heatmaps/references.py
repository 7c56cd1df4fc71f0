"""What Grad-CAM compares features with: the mean features, place by place, of pictures that show nothing.

The pictures are soft clouds of colour, of the kind that photos become when they are blurred until only their light and
colours are left. Their amplitudes fall with the frequency as those of photographs do (Field 1987, "Relations between
the statistics of natural images and the response properties of cortical cells", J. Opt. Soc. Am. A 4), and their colour
channels go together. Comparing with several references rather than one is Erion et al. 2021, "Improving performance of
deep learning models with axiomatic attribution priors and expected gradients", https://arxiv.org/abs/1906.10670.

Each place has its own reference, because padding makes features at the border unlike those in the middle whatever a
picture shows. They depend on the network alone, and are computed once for all photos.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from model_store.heatmaps.baselines import blurred
from model_store.heatmaps.gradcam import scores_and_features
from model_store.heatmaps.modules import Features, Module, Params

PICTURES, BATCH = 64, 4
# Of sRGB values in 0..1, roughly as in photographs: the mean and how it differs between pictures, the deviation within
# one, and the share of its variance that the three colours have in common.
_MEAN, _MEAN_DEVIATION, _DEVIATION, _COMMON = 0.45, 0.1, 0.22, 0.9


def reference_features(module: Module, params: Params, size: int) -> Features:
    """The mean features of pictures that show nothing, without a batch axis; takes as many forward passes.

    Args:
        module: the network.
        params: its parameters.
        size: pixels on each side of its input.

    Raises:
        NoFeaturesError: the network marks no features.
    """
    pictures = pictures_of_nothing(size)
    with jax.default_matmul_precision("float32"):
        means = [_mean_features(module, params, pictures[start : start + BATCH]) for start in range(0, PICTURES, BATCH)]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves).mean(axis=0), *means)


def pictures_of_nothing(size: int) -> Float[Array, "pictures size size 3"]:
    """The same pictures every time, in 0..1."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(PICTURES, size, size, 3))
    noise = np.sqrt(_COMMON) * noise[..., :1] + np.sqrt(1 - _COMMON) * noise
    clouds = np.fft.ifft2(np.fft.fft2(noise, axes=(1, 2)) * _amplitudes(size)[..., None], axes=(1, 2)).real
    clouds -= clouds.mean(axis=(1, 2, 3), keepdims=True)
    clouds *= _DEVIATION / clouds.std(axis=(1, 2, 3), keepdims=True)
    clouds += _MEAN + _MEAN_DEVIATION * generator.normal(size=(PICTURES, 1, 1, 1))
    pictures: Array = jax.jit(blurred)(jnp.asarray(clouds.clip(0, 1), jnp.float32))
    return pictures


@partial(jax.jit, static_argnums=0)
def _mean_features(module: Module, params: Params, pictures: Float[Array, "batch size size 3"]) -> Features:
    _, features = scores_and_features(module, params, pictures)
    return jax.tree.map(lambda leaf: leaf.mean(axis=0), features)


def _amplitudes(size: int) -> Float[np.ndarray, "size size"]:
    frequencies = np.fft.fftfreq(size)
    lengths = np.hypot(frequencies[:, None], frequencies)
    lengths[0, 0] = 1 / size
    amplitudes: np.ndarray = 1 / lengths
    return amplitudes
