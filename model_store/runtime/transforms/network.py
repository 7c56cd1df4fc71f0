"""A plain Flax network with some of its layers computed in another way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Array

from model_store.models.checkpoints import unflatten
from model_store.models.precision import SCALE_SUFFIX, widen
from model_store.runtime.transforms.layers import Convolution, LayerPlan, Transformation

type FlatShapes = Mapping[str, jax.ShapeDtypeStruct]
type FlatParams = Mapping[str, Array]


@dataclass(frozen=True)
class TransformedNetwork:
    """Applies like the module it stands for, to the parameters that `preparation` gives.

    Attributes:
        module: the plain network.
        transformations: which compute those layers whose parameters are as they want them.
    """

    module: nn.Module
    transformations: tuple[Transformation, ...]

    def apply(self, *arguments: Any, **settings: Any) -> Any:
        """The module's `apply`."""
        with nn.intercept_methods(self._intercept):
            return self.module.apply(*arguments, **settings)

    def _intercept(
        self, plain: Callable[..., Any], arguments: Any, settings: Any, context: nn.module.InterceptorContext
    ) -> Any:
        if context.method_name == "__call__":
            for transformation in self.transformations:
                if transformation.computes(context.module):
                    return transformation.apply(context.module, plain, *arguments, **settings)
        return plain(*arguments, **settings)

    def preparation(self, stored: FlatShapes, *inputs: jax.ShapeDtypeStruct) -> "Preparation":
        """What becomes of stored tensors.

        Args:
            stored: shapes and dtypes of tensors by path.
            inputs: what the network is applied to.
        """
        uses = find_uses(self.module, stored, *inputs)
        plans: dict[str, LayerPlan] = {}
        for layer, use in uses.items():
            leaves = _leaves(stored, layer)
            made = (transformation.plan(use, leaves) for transformation in self.transformations)
            if plan := next(filter(None, made), None):
                plans[layer] = plan
        return Preparation(plans)


@dataclass(frozen=True, eq=False)
class Preparation:
    """What is computed from stored tensors once a process.

    Attributes:
        plans: by the path of a layer, where a transformation takes it.
    """

    plans: Mapping[str, LayerPlan]

    def __call__(self, stored: FlatParams) -> dict[str, Array]:
        """Tensors by path that are not stored as they are used; traceable."""
        prepared = {
            f"{layer}/{name}": value
            for layer, plan in self.plans.items()
            for name, value in plan.prepare(_leaves(stored, layer)).items()
        }
        left = {path: value for path, value in stored.items() if path not in self._consumed | self._kept}
        return prepared | {path: value for path, value in widen(left).items() if left[path].dtype != value.dtype}

    def used_as_stored(self, stored: FlatShapes) -> list[str]:
        """Paths of the tensors that the network reads as they lie in the file's map."""
        widened = {path for path, shape in stored.items() if shape.dtype != np.float32}
        gone = widened | {path + SCALE_SUFFIX for path in widened} | self._consumed
        return [path for path in stored if path in self._kept or path not in gone]

    @property
    def _consumed(self) -> set[str]:
        return {f"{layer}/{name}" for layer, plan in self.plans.items() for name in plan.consumes}

    @property
    def _kept(self) -> set[str]:
        return {f"{layer}/{name}" for layer, plan in self.plans.items() for name in plan.keeps}


def find_uses(module: nn.Module, stored: FlatShapes, *inputs: jax.ShapeDtypeStruct) -> dict[str, Convolution | None]:
    """How a network uses its convolutions, by path, and None for each dense layer; computes nothing."""
    uses: dict[str, Convolution | None] = {}

    def note(plain: Callable[..., Any], arguments: Any, settings: Any, context: nn.module.InterceptorContext) -> Any:
        layer, path = context.module, "/".join(context.module.path)
        if context.method_name == "__call__" and isinstance(layer, nn.Conv):
            _, height, width, _ = arguments[0].shape
            uses[path] = Convolution.of(layer, height, width)
        elif context.method_name == "__call__" and isinstance(layer, nn.Dense):
            uses[path] = None
        return plain(*arguments, **settings)

    with nn.intercept_methods(note):
        jax.eval_shape(
            lambda params, *given: module.apply({"params": unflatten(widen(params))}, *given), stored, *inputs
        )
    return uses


def _leaves[T](tensors: Mapping[str, T], layer: str) -> dict[str, T]:
    return {path.rpartition("/")[2]: value for path, value in tensors.items() if path.rpartition("/")[0] == layer}
