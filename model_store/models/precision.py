"""How parameters are stored, and how they become the float32 values that the network computes with.

Reading parameters is the larger part of a cold start, and bytes read from the volume are money. `compact` stores large
dense kernels as 8-bit integers with one scale an output channel (symmetric, no zero point: Jacob et al. 2018, arXiv
1712.05877, section 3) and middling ones as float16; small kernels and biases stay float32. Nothing is
computed in less than float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int8

if TYPE_CHECKING:
    from jax import Array

SCALE_SUFFIX = ".scale"

# Dense kernels from this many values on are stored as int8: in ResMem the three that hold half of all parameters.
INT8_MINIMUM_VALUES = 4_000_000
# Smaller kernels stay float32. They cost ResMem half a megabyte, and its stem in float16 alone moved scores by up to
# 0.001, five times as much as all the rest together.
HALF_MINIMUM_VALUES = 50_000
_INT8_LIMIT = 127


def compact(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Float32 parameters by path → stored tensors by path; int8 kernels get a second tensor `<path>.scale`."""
    stored: dict[str, np.ndarray] = {}
    for path, value in params.items():
        if value.ndim == 2 and value.size >= INT8_MINIMUM_VALUES:
            stored[path], stored[path + SCALE_SUFFIX] = _quantise(value)
        else:
            stored[path] = _half(value) if value.size >= HALF_MINIMUM_VALUES else value
    return stored


def widen(stored: Mapping[str, Array]) -> dict[str, Array]:
    """Stored tensors by path → float32 parameters by path; traceable, and the identity on float32."""
    wide = {path: stored[path].astype(np.float32) for path in parameter_paths(stored)}
    return {
        path: value * stored[path + SCALE_SUFFIX] if path + SCALE_SUFFIX in stored else value
        for path, value in wide.items()
    }


def parameter_paths(stored: Iterable[str]) -> list[str]:
    """The parameters that stored tensors of these paths become."""
    return [path for path in stored if not path.endswith(SCALE_SUFFIX)]


def _quantise(
    kernel: Float[np.ndarray, "inputs outputs"],
) -> tuple[Int8[np.ndarray, "inputs outputs"], Float[np.ndarray, " outputs"]]:
    # A column of zeros gets the smallest scale that arithmetic keeps, so that nothing is divided by zero.
    scale = np.maximum(np.abs(kernel).max(axis=0) / _INT8_LIMIT, np.finfo(np.float32).tiny).astype(np.float32)
    return np.rint(kernel / scale).astype(np.int8), scale


def _half(value: np.ndarray) -> np.ndarray:
    """Float16, unless a value is too large for it."""
    return value.astype(np.float16) if np.abs(value).max() < np.finfo(np.float16).max else value
