"""Weights and images that PyTorch's side and ours draw alike, from NumPy's frozen `RandomState` stream.

They take no room in the repository and need no PyTorch in the tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class VitShape:
    """Settings of a vision transformer; the names are those of `ViTMem`."""

    image_size: int
    patch: int
    width: int
    depth: int
    heads: int
    mlp_width: int


# Name, shape, mean, standard deviation.
_Tensor = tuple[str, tuple[int, ...], float, float]

PUBLISHED = VitShape(image_size=224, patch=16, width=768, depth=12, heads=12, mlp_width=3072)
REDUCED = VitShape(image_size=32, patch=8, width=64, depth=3, heads=4, mlp_width=256)
TINY = VitShape(image_size=16, patch=8, width=16, depth=1, heads=2, mlp_width=64)


def seeded_state(shape: VitShape, seed: int) -> dict[str, np.ndarray]:
    """Returns a state dict in timm's names and layout, every tensor drawn from `seed`, float32."""
    random = np.random.RandomState(seed)
    return {
        name: (mean + std * 12**0.5 * (random.random_sample(size) - 0.5)).astype(np.float32)
        for name, size, mean, std in _tensors(shape)
    }


def seeded_images(shape: VitShape, count: int, seed: int) -> np.ndarray:
    """Returns (count, size, size, 3) uint8 images of flat tiles and noise, each with its own colours."""
    random = np.random.RandomState(seed)
    tiles = random.randint(0, 256, (count, 4, 4, 3)) * random.random_sample((count, 1, 1, 3))
    scale = shape.image_size // 4
    pixels = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    return np.clip(pixels + random.randint(-20, 21, pixels.shape), 0, 255).astype(np.uint8)


def _tensors(shape: VitShape) -> Iterator[_Tensor]:
    """Yields every tensor in the order of timm's state dict.

    The embedding is small, as in trained networks, so that the epsilon of the first layer normalisation
    counts; the other matrices are large enough for attention to be far from uniform.
    """
    width, gain = shape.width, 1.3
    tokens = 1 + (shape.image_size // shape.patch) ** 2
    yield "cls_token", (1, 1, width), 0.0, 0.01
    yield "pos_embed", (1, tokens, width), 0.0, 0.005
    yield "patch_embed.proj.weight", (width, 3, shape.patch, shape.patch), 0.0, 0.01 / shape.patch
    yield "patch_embed.proj.bias", (width,), 0.0, 0.005
    for index in range(shape.depth):
        block = f"blocks.{index}"
        yield from _norm(f"{block}.norm1", width)
        yield f"{block}.attn.qkv.weight", (3 * width, width), 0.0, gain / width**0.5
        yield from _linear(f"{block}.attn.proj", width, width, gain)
        yield from _norm(f"{block}.norm2", width)
        yield from _linear(f"{block}.mlp.fc1", width, shape.mlp_width, gain)
        yield from _linear(f"{block}.mlp.fc2", shape.mlp_width, width, gain)
    yield from _norm("norm", width)
    yield from _linear("head", width, 1, 4 * gain)


def _norm(name: str, width: int) -> Iterator[_Tensor]:
    yield f"{name}.weight", (width,), 1.0, 0.2
    yield f"{name}.bias", (width,), 0.0, 0.1


def _linear(name: str, inputs: int, outputs: int, gain: float) -> Iterator[_Tensor]:
    yield f"{name}.weight", (outputs, inputs), 0.0, gain / inputs**0.5
    yield f"{name}.bias", (outputs,), 0.0, 0.1
