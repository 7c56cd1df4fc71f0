"""ViTMem: how likely people are to remember an image, from a vision transformer.

Hagen and Espeseth 2023, "Image Memorability Prediction with Vision Transformers",
https://arxiv.org/abs/2301.08647. The network is ViT-B/16 (Dosovitskiy et al. 2021,
https://arxiv.org/abs/2010.11929) as timm builds it under the name `vit_base_patch16_224_miil`: queries, keys
and values have no biases, and one output is read from the class token.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from model_store.models.layers import explained, to_unit_range

# Of every layer normalisation, as in the original ViT and in timm; flax and PyTorch default to other values.
LAYER_NORM_EPSILON = 1e-6


class ViTMem(nn.Module):
    """A pre-norm transformer over image patches and a class token; the defaults are the published network.

    `capture_intermediates=True` of `apply` shows the outputs of `embedding`, `block_0` … and `norm`.

    Attributes:
        image_size: pixels on each side of an image, a multiple of `patch`.
        patch: pixels on each side of a patch.
        width: features of a token, a multiple of `heads`.
        depth: transformer blocks.
        heads: attention heads in each block.
        mlp_width: hidden features of each block's MLP.
    """

    image_size: int = 224
    patch: int = 16
    width: int = 768
    depth: int = 12
    heads: int = 12
    mlp_width: int = 3072

    @nn.compact
    def __call__(
        self,
        images: UInt8[Array, "batch {self.image_size} {self.image_size} 3"]
        | Float[Array, "batch {self.image_size} {self.image_size} 3"],
    ) -> Float[Array, " batch"]:
        """Returns hit rates between 0 and 1."""
        tokens = Embedding(self.patch, self.width, name="embedding")(to_unit_range(images))
        for index in range(self.depth):
            # Only the class token is read in the end, so the last block computes no other: 6 % less time.
            kept = 1 if index == self.depth - 1 else None
            tokens = Block(self.heads, self.mlp_width, name=f"block_{index}")(tokens, kept)
        class_token = _layer_norm("norm")(tokens)[:, 0]
        return nn.sigmoid(nn.Dense(1, name="head")(class_token))[:, 0]


class Embedding(nn.Module):
    """A class token, then one token a patch, row by row; a learnt position is added to each.

    Attributes:
        patch: pixels on each side of a patch.
        width: features of a token.
    """

    patch: int
    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width 3"]) -> Float[Array, "batch tokens features"]:
        """Projects every patch with one matrix: the stride-`patch` convolution of the paper."""
        batch, height, width, channels = images.shape
        side = self.patch
        grid = images.reshape(batch, height // side, side, width // side, side, channels)
        patches = grid.transpose(0, 1, 3, 2, 4, 5).reshape(batch, -1, side * side * channels)
        tokens = nn.Dense(self.width, name="patches")(patches)
        class_token = self.param("class_token", nn.initializers.zeros, (1, self.width))
        positions = self.param("positions", nn.initializers.normal(0.02), (1 + tokens.shape[1], self.width))
        class_tokens = jnp.broadcast_to(class_token, (batch, 1, self.width))
        return jnp.concatenate([class_tokens, tokens], axis=1) + positions[None]


class Block(nn.Module):
    """Attention and an MLP, each normalising its input and adding its output to it.

    Attributes:
        heads: attention heads.
        mlp_width: hidden features of the MLP.
    """

    heads: int
    mlp_width: int

    @nn.compact
    def __call__(
        self, tokens: Float[Array, "batch tokens width"], kept: int | None = None
    ) -> Float[Array, "batch kept width"]:
        """Updates the first `kept` tokens, by default all; every token is attended to."""
        normed = _layer_norm("norm1")(tokens)
        if kept is not None:
            normed = explained(self, "token_features", normed)
        attended = Attention(self.heads, name="attention")(normed, kept)
        tokens = tokens[:, :kept] + attended
        hidden = nn.Dense(self.mlp_width, name="fc1")(_layer_norm("norm2")(tokens))
        return tokens + nn.Dense(tokens.shape[-1], name="fc2")(nn.gelu(hidden, approximate=False))


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).

    Attributes:
        heads: number of heads the features are split into.
    """

    heads: int

    @nn.compact
    def __call__(
        self, tokens: Float[Array, "batch tokens width"], kept: int | None = None
    ) -> Float[Array, "batch kept width"]:
        """Returns what the first `kept` tokens, by default all, gather from every token."""
        batch, count, width = tokens.shape
        features = width // self.heads
        joined = nn.Dense(3 * width, use_bias=False, name="qkv")(tokens)
        query, key, value = jnp.unstack(joined.reshape(batch, count, 3, self.heads, features), axis=2)
        logits = jnp.einsum("bqhd,bkhd->bhqk", query[:, :kept] * features**-0.5, key)
        gathered = jnp.einsum("bhqk,bkhd->bqhd", nn.softmax(logits), value)
        return nn.Dense(width, name="proj")(gathered.reshape(batch, -1, width))


def _layer_norm(name: str) -> nn.LayerNorm:
    # The two-pass variance costs nothing measurable here and cannot cancel where features share a large mean.
    return nn.LayerNorm(epsilon=LAYER_NORM_EPSILON, use_fast_variance=False, name=name)
