"""The published ViTMem state dict, in timm's names → parameters of `ViTMem`."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from model_store.models.checkpoints import unflatten

# The published package keeps timm's network in a module's attribute `vit`.
_WRAPPER = "vit."

_RENAMED = (
    (r"^cls_token$", "embedding/class_token"),
    (r"^pos_embed$", "embedding/positions"),
    (r"^patch_embed/proj/", "embedding/patches/"),
    (r"^blocks/(\d+)/", r"block_\1/"),
    (r"/attn/", "/attention/"),
    (r"/mlp/", "/"),
    (r"(norm\d?)/weight$", r"\1/scale"),
    (r"/weight$", "/kernel"),
)


def convert(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Returns nested float32 parameters.

    Args:
        state: the state dict, in timm's names, with or without the published package's prefix `vit.`.
    """
    wrapped = all(name.startswith(_WRAPPER) for name in state)
    names = {name: name.removeprefix(_WRAPPER) if wrapped else name for name in state}
    return unflatten({_path(names[name]): _layout(value) for name, value in state.items()})


def _path(name: str) -> str:
    path = name.replace(".", "/")
    for pattern, replacement in _RENAMED:
        path = re.sub(pattern, replacement, path)
    return path


def _layout(value: np.ndarray) -> np.ndarray:
    """PyTorch's order of axes → flax's: a matrix by its transpose, the patch convolution as one matrix."""
    match value.shape:
        case (outputs, _, _, _):
            value = value.transpose(2, 3, 1, 0).reshape(-1, outputs)
        case (1, _, _):
            value = value[0]
        case (_, _):
            value = value.T
    return np.ascontiguousarray(value, dtype=np.float32)
