"""What transformations know of a network's layers, and what the network knows of transformations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import flax.linen as nn
import jax
from jaxtyping import Array

type Leaves = Mapping[str, Array]
"""Arrays of one layer by name: stored (`kernel`, `kernel.scale`, `bias`) or as a transformation wants them."""

_SAME_FOR_3_BY_3 = ("SAME", 1, (1, 1), ((1, 1), (1, 1)))


@dataclass(frozen=True)
class Convolution:
    """How a network uses one of its convolutions.

    Attributes:
        plain_3_by_3: whether it is ungrouped, goes by single pixels, and its output is as large as its input.
        height: of its input, in pixels.
        width: of its input, in pixels.
    """

    plain_3_by_3: bool
    height: int
    width: int

    @classmethod
    def of(cls, layer: nn.Conv, height: int, width: int) -> "Convolution":
        """The use of a layer on pictures of that size."""
        padding = tuple(map(tuple, layer.padding)) if isinstance(layer.padding, list) else layer.padding
        plain = (
            layer.kernel_size in ((3, 3), [3, 3])
            and layer.strides in (None, 1, (1, 1))
            and layer.kernel_dilation in (None, 1, (1, 1))
            and layer.feature_group_count == 1
            and padding in _SAME_FOR_3_BY_3
        )
        return cls(plain, height, width)


def _nothing(_stored: Leaves) -> dict[str, Array]:
    return {}


@dataclass(frozen=True)
class LayerPlan:
    """What becomes of one layer's stored tensors under a transformation.

    Attributes:
        prepare: stored tensors by name → those that are computed from them once a process; traceable.
        consumes: names of stored tensors that the layer does without afterwards.
        keeps: names of those that it computes with as they lie in the file's map, whatever their dtype.
    """

    prepare: Callable[[Leaves], dict[str, Array]] = _nothing
    consumes: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()


class Transformation(Protocol):
    """Another way to compute one kind of layer."""

    @property
    def name(self) -> str:
        """By which it is turned on and off."""

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """What it does to a layer's tensors; None where it leaves them as they are.

        Args:
            use: of a convolution; None for a dense layer.
            stored: shapes and dtypes of the layer's tensors by name.
        """

    def computes(self, layer: nn.Module) -> bool:
        """Whether it computes this layer, which it sees from the layer's parameters or kind."""

    def apply(self, layer: nn.Module, plain: Callable[..., Any], *inputs: Any) -> Any:
        """The layer's output; traceable.

        Args:
            layer: with its parameters bound.
            plain: computes the layer as its module says.
            inputs: what it is called with.
        """
