"""FalseResMem: how likely people are to believe wrongly that they have seen an image before.

Mikhailova and Bainbridge 2026, "FalseResMem: A Neural Network to Predict False Alarms in Image Memory", Journal of
Vision.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from model_store.models.layers import HEAD_WIDTHS, AlexNetBranch, RegressionHead, to_unit_range
from model_store.models.resnet import RESNET_50_BLOCKS, ResNet


class FalseResMem(nn.Module):
    """Pooled features of a ResNet-50 beside the features of a five-convolution branch, read by seven dense layers.

    Attributes:
        blocks: bottlenecks in each ResNet stage.
        head_widths: features of the head's hidden layers.
    """

    blocks: Sequence[int] = RESNET_50_BLOCKS
    head_widths: Sequence[int] = HEAD_WIDTHS

    @nn.compact
    def __call__(
        self, images: UInt8[Array, "batch 227 227 3"] | Float[Array, "batch 227 227 3"]
    ) -> Float[Array, " batch"]:
        """Returns false-alarm rates between 0 and 1."""
        x = to_unit_range(images)
        branch = AlexNetBranch(name="branch")(x)
        pooled = ResNet(self.blocks, name="trunk")(x)
        return RegressionHead(self.head_widths, name="head")(jnp.concatenate([branch, pooled], axis=1))
