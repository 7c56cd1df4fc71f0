"""Finds an architecture by the name a manifest gives; flax is imported only when a network is built."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from model_store.errors import MemorabilityError
from model_store.models.checkpoints import CheckpointError, check_against_skeleton

if TYPE_CHECKING:
    import flax.linen as nn

# Architecture name, which is also its folder here, and the name of its module class.
_PUBLISHED = {"resmem": "ResMem", "falseresmem": "FalseResMem", "vitmem": "ViTMem"}
_TRAINED = {"heads": "Heads", "efficientnet_lite": "EfficientNetLite"}
_MODULES = _PUBLISHED | _TRAINED


class UnknownArchitectureError(MemorabilityError):
    """A manifest names an architecture that this version of the software does not have."""


def architectures() -> tuple[str, ...]:
    """Names of the architectures whose published weights can be imported."""
    return tuple(_PUBLISHED)


def build(architecture: str, settings: Mapping[str, Any]) -> nn.Module:
    """The Flax module of an architecture.

    Args:
        architecture: as a manifest names it.
        settings: the module's attributes that differ from their defaults.
    """
    _require_known(architecture)
    modeling = import_module(f"model_store.models.{architecture}.modeling")
    module: nn.Module = getattr(modeling, _MODULES[architecture])(**settings)
    return module


def skeleton(module: nn.Module, image_size: int) -> dict[str, Any]:
    """Nested shapes and dtypes of a module's parameters; none of them is computed.

    Args:
        module: from `build`.
        image_size: pixels on each side of its input.
    """
    import jax

    image = jax.ShapeDtypeStruct((1, image_size, image_size, 3), np.uint8)
    shapes: dict[str, Any] = jax.eval_shape(module.init, jax.random.key(0), image)["params"]
    return shapes


def convert(
    architecture: str, state: Mapping[str, np.ndarray], module: nn.Module, image_size: int, source: str
) -> dict[str, Any]:
    """Nested float32 parameters for a module, from the state dict of a checkpoint.

    Args:
        architecture: one of `architectures()`.
        state: the checkpoint's tensors by name.
        module: from `build`, which the parameters must fit.
        image_size: pixels on each side of its input.
        source: what the state was read from, for the error message.

    Raises:
        CheckpointError: tensors are missing, unexpected or of other shapes.
    """
    _require_known(architecture)
    params_module = import_module(f"model_store.models.{architecture}.params")
    try:
        params: dict[str, Any] = params_module.convert(state)
    except KeyError as error:
        raise CheckpointError(f"{source} does not fit {architecture}: it has no tensor {error}") from error
    check_against_skeleton(params, skeleton(module, image_size), source)
    return params


def _require_known(architecture: str) -> None:
    if architecture not in _MODULES:
        raise UnknownArchitectureError(
            f"architecture {architecture!r} is unknown here (known: {', '.join(_MODULES)}); "
            "upgrade the software, or publish the model with one of these"
        )
