"""Layers that several architectures share; images are channels-last, as XLA's CPU convolutions want them."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt8

# Collections of variables that `explained` speaks to; neither is there unless a heatmap is being computed.
FEATURES, PERTURBATIONS = "features", "perturbations"


def to_unit_range(
    images: UInt8[Array, "batch height width 3"] | Float[Array, "batch height width 3"],
) -> Float[Array, "batch height width 3"]:
    """Scales bytes to 0..1, torchvision's `ToTensor`; no mean is taken off, the published models were trained so.

    Floats are taken to be in 0..1 already: pictures on the way between two photos, which attribution differentiates by.
    """
    return images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images


def explained(module: nn.Module, name: str, features: Float[Array, "batch ..."]) -> Float[Array, "batch ..."]:
    """Marks features that heatmaps read and differentiate by; scoring computes the same with and without the mark.

    Args:
        module: the module whose features they are.
        name: one of `model_store.heatmaps.gradcam.GRIDS`, which knows where in the picture they lie.
        features: returned as they are, plus the perturbation of that name where `apply` is given one.
    """
    if module.is_initializing():
        return features
    module.sow(FEATURES, name, features, init_fn=lambda: None, reduce_fn=lambda _, latest: latest)
    return module.perturb(name, features, PERTURBATIONS)


def max_pool(
    x: Float[Array, "batch height width channels"], padding: int = 0
) -> Float[Array, "batch pooled_height pooled_width channels"]:
    """The overlapping pooling of AlexNet and ResNet: windows of 3×3 pixels, two apart."""
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    pooled: Array = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), around)
    return pooled


def local_response_norm(
    x: Float[Array, "batch height width channels"],
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Float[Array, "batch height width channels"]:
    """Divides by (k + alpha · mean of squares over `size` neighbouring channels)^beta.

    Section 3.3 of Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", with the
    sum replaced by a mean and PyTorch's default constants, which the published models were trained with. Channels
    beyond the edge count as zeros.
    """
    window, before = (1, 1, 1, size), size // 2
    padding = ((0, 0), (0, 0), (0, 0), (before, size - 1 - before))
    squares: Array = jax.lax.reduce_window(x * x, 0.0, jax.lax.add, window, (1, 1, 1, 1), padding)
    return x / (k + alpha * squares / size) ** beta


class AlexNetBranch(nn.Module):
    """The five convolutions of AlexNet that ResMem puts beside its ResNet.

    Attributes:
        features: output channels of each convolution.
        groups: blocks that convolutions 2 to 5 are split into, as in the original two-GPU AlexNet.
    """

    features: Sequence[int] = (48, 256, 384, 384, 256)
    groups: int = 2

    @nn.compact
    def __call__(self, x: Float[Array, "batch height width 3"]) -> Float[Array, "batch branch_features"]:
        """Returns the last feature map flattened row by row, channels innermost."""
        sizes = (11, 5, 3, 3, 3)
        for index, (width, size) in enumerate(zip(self.features, sizes, strict=True)):
            first = index == 0
            x = nn.relu(
                nn.Conv(
                    width,
                    (size, size),
                    strides=4 if first else 1,
                    padding="VALID" if first else "SAME",
                    feature_group_count=1 if first else self.groups,
                    name=f"conv{index + 1}",
                )(x)
            )
            if index in (0, 1):
                x = local_response_norm(max_pool(x))
        return max_pool(explained(self, "conv5_features", x)).reshape(x.shape[0], -1)


# Hidden layers between ResMem's features and its score.
HEAD_WIDTHS = (4096, 4096, 2048, 1024, 512, 256)


class RegressionHead(nn.Module):
    """Dense layers with ReLU between them and a sigmoid at the end.

    Attributes:
        widths: features of the hidden layers.
        first_index: number of the first layer in the published checkpoint, kept in the parameters' names.
    """

    widths: Sequence[int] = HEAD_WIDTHS
    first_index: int = 6

    @nn.compact
    def __call__(self, x: Float[Array, "batch features"]) -> Float[Array, " batch"]:
        """Returns scores between 0 and 1."""
        for index, width in enumerate(self.widths, self.first_index):
            x = nn.relu(nn.Dense(width, name=f"fc{index}")(x))
        return nn.sigmoid(nn.Dense(1, name=f"fc{self.first_index + len(self.widths)}")(x))[:, 0]
