"""ResMem: how likely people are to remember an image, from a ResNet-152 and an AlexNet-like branch.

Needell and Bainbridge 2022, "Embracing New Techniques in Deep Learning for Estimating Image Memorability",
Computational Brain & Behavior 5, https://doi.org/10.1007/s42113-022-00126-5.
"""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

from model_store.models.layers import HEAD_WIDTHS, AlexNetBranch, RegressionHead, to_unit_range
from model_store.models.resnet import RESNET_152_BLOCKS, ResNet

IMAGENET_CLASSES = 1000


class ResMem(nn.Module):
    """ImageNet logits of a ResNet-152 beside the features of a five-convolution branch, read by seven dense layers.

    Attributes:
        blocks: bottlenecks in each ResNet stage.
        head_widths: features of the head's hidden layers.
    """

    blocks: Sequence[int] = RESNET_152_BLOCKS
    head_widths: Sequence[int] = HEAD_WIDTHS

    @nn.compact
    def __call__(
        self, images: UInt8[Array, "batch 227 227 3"] | Float[Array, "batch 227 227 3"]
    ) -> Float[Array, " batch"]:
        """Returns hit rates between 0 and 1."""
        x = to_unit_range(images)
        branch = AlexNetBranch(name="branch")(x)
        logits = ResNet(self.blocks, classes=IMAGENET_CLASSES, name="trunk")(x)
        return RegressionHead(self.head_widths, name="head")(jnp.concatenate([branch, logits], axis=1))
