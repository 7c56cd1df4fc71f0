"""Outputs of residual blocks that are written down once.

XLA's CPU compiler fuses an elementwise sum into everything that reads it. In a residual network every block's output is
such a sum over the block before: fused, the last block of a stage adds up the outputs of all others, which was a
quarter of ResMem's time (jaxlib 0.12.0.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from model_store.models.resnet import Bottleneck
from model_store.runtime.transforms.layers import Convolution, LayerPlan


@dataclass(frozen=True)
class MaterialisedBlocks:
    """Bottlenecks of a ResNet, whose output the compiler may not compute again in the next one."""

    name: str = "materialised-blocks"

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """Leaves tensors as they are."""
        return None

    def computes(self, layer: nn.Module) -> bool:
        """Every bottleneck."""
        return isinstance(layer, Bottleneck)

    def apply(
        self, layer: nn.Module, plain: Callable[..., Any], *inputs: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch h w out"]:
        """The same values, behind a barrier to fusion."""
        output: Array = jax.lax.optimization_barrier(plain(*inputs))
        return output
