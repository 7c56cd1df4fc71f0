"""ResNet with bottleneck blocks and batch normalisation already folded into the convolutions.

He et al. 2016, "Deep Residual Learning for Image Recognition" (arXiv 1512.03385, table 1), in torchvision's variant,
which strides in the 3×3 convolution. Folding is exact at inference: see `model_store.models.torchvision_params`.
"""

from collections.abc import Sequence

import flax.linen as nn
from jaxtyping import Array, Float

from model_store.models.layers import explained, max_pool

RESNET_50_BLOCKS = (3, 4, 6, 3)
RESNET_152_BLOCKS = (3, 8, 36, 3)
EXPANSION = 4


class Bottleneck(nn.Module):
    """1×1 down, 3×3, 1×1 up, added to the shortcut.

    Attributes:
        width: channels of the 3×3 convolution; the output has four times as many.
        stride: of the 3×3 convolution and of the projected shortcut, in pixels.
        project: whether the shortcut is a 1×1 convolution (the first block of a stage).
    """

    width: int
    stride: int = 1
    project: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width channels"]) -> Float[Array, "batch h w out"]:
        """Returns the block's output after its last ReLU."""
        out = EXPANSION * self.width
        y = nn.relu(nn.Conv(self.width, (1, 1), name="conv1")(x))
        y = nn.relu(nn.Conv(self.width, (3, 3), strides=self.stride, padding=1, name="conv2")(y))
        y = nn.Conv(out, (1, 1), name="conv3")(y)
        shortcut = nn.Conv(out, (1, 1), strides=self.stride, name="project")(x) if self.project else x
        return nn.relu(y + shortcut)


class ResNet(nn.Module):
    """The trunk, up to the pooled features or to ImageNet logits.

    Attributes:
        blocks: bottlenecks in each stage.
        width: channels of the stem and of the first stage's 3×3 convolutions, doubled with each stage.
        classes: number of logits; None returns the pooled features.
    """

    blocks: Sequence[int] = RESNET_152_BLOCKS
    width: int = 64
    classes: int | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width 3"]) -> Float[Array, "batch features"]:
        """Takes images scaled to 0..1; returns logits, or features of 32 × `width` channels."""
        x = nn.relu(nn.Conv(self.width, (7, 7), strides=2, padding=3, name="stem")(x))
        x = max_pool(x, padding=1)
        for stage, count in enumerate(self.blocks):
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                x = Bottleneck(
                    self.width * 2**stage, stride, project=block == 0, name=f"stage{stage + 1}_block{block}"
                )(x)
        x = explained(self, "stage4_features", x).mean(axis=(1, 2))
        return x if self.classes is None else nn.Dense(self.classes, name="logits")(x)
