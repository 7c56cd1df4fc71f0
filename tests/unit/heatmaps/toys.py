"""Networks whose attribution can be worked out by hand, on pictures of 64×64 pixels."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from model_store.heatmaps.networks import Network
from model_store.models.layers import explained, to_unit_range
from model_store.store import Manifest
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.manifest import FileDigest, Preprocessing
from tests.unit.store.samples import describe

SIZE = 64
CELL = 32

MANIFEST = Manifest(
    **dict(describe().model_copy(update={"preprocessing": Preprocessing(resize=SIZE, crop=SIZE)})),
    name="toy",
    version="1",
    files={PARAMETERS_FILE: FileDigest(sha256="0" * 64, bytes=0)},
)


class Linear(nn.Module):
    """A weighted sum of all values."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        weights = self.param("weights", nn.initializers.zeros, images.shape[1:])
        return (to_unit_range(images) * weights).sum(axis=(1, 2, 3))


class Squares(nn.Module):
    """A weighted sum of all squares: its gradient changes along a path."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        weights = self.param("weights", nn.initializers.zeros, images.shape[1:])
        return (to_unit_range(images) ** 2 * weights).sum(axis=(1, 2, 3))


class TwoBranches(nn.Module):
    """Features of 2×2 places, each read with a weight of its own, beside pooled ones that share one."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        x = to_unit_range(images)[:, ::CELL, ::CELL]
        branch = explained(self, "stage4_features", x)
        pooled = explained(self, "token_features", _as_tokens(2 * x))
        read = self.param("read", nn.initializers.zeros, (2, 2, 3))
        return (branch * read).sum(axis=(1, 2, 3)) + pooled.mean(axis=(1, 2))


class SquaredFeatures(nn.Module):
    """Features of 2×2 places, whose squares are read with a weight each."""

    @nn.compact
    def __call__(self, images: Array) -> Array:
        features = explained(self, "stage4_features", to_unit_range(images)[:, ::CELL, ::CELL])
        read = self.param("read", nn.initializers.zeros, (2, 2, 3))
        return (features**2 * read).sum(axis=(1, 2, 3))


class Unmarked(nn.Module):
    """A network that marks no features."""

    def __call__(self, images: Array) -> Array:
        return to_unit_range(images).mean(axis=(1, 2, 3))


def _as_tokens(x: Array) -> Array:
    tokens = x.reshape(x.shape[0], -1, x.shape[-1])
    return jnp.concatenate([jnp.zeros_like(tokens[:, :1]), tokens], axis=1)


def network(module: nn.Module, params: Mapping[str, Any]) -> Network:
    return Network(MANIFEST, module, jax.device_put(dict(params)))


def left_half(value: float = 1.0) -> np.ndarray:
    """Weights that read the left half of the picture; their sum is `value`."""
    weights = np.zeros((SIZE, SIZE, 3), np.float32)
    weights[:, : SIZE // 2] = value / weights[:, : SIZE // 2].size
    return weights


def photos(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
