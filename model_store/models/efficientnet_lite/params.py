"""ImageNet weights of EfficientNet-Lite, in the names of `efficientnet_lite_pytorch` → parameters of its trunk."""

from typing import Any

from model_store.models.efficientnet_lite.modeling import plan_blocks
from model_store.models.torchvision_params import ParamTree, StateDict, conv_with_batch_norm

BATCH_NORM_EPSILON = 1e-3  # TensorFlow's default, with which the weights were trained


def convert_trunk(state: StateDict, width: float, depth: float) -> ParamTree:
    """Nested float32 parameters of all but the score, batch normalisation folded; ImageNet's classes are left out.

    Args:
        state: the published state dict.
        width: of the network that it fits, as of `EfficientNetLite`.
        depth: likewise.

    Raises:
        KeyError: it is of another network.
    """
    params: dict[str, Any] = {"stem": _folded(state, "_conv_stem", "_bn0"), "top": _folded(state, "_conv_head", "_bn1")}
    for index, plan in enumerate(plan_blocks(width, depth)):
        block = f"_blocks.{index}"
        layers = {
            "depthwise": _folded(state, f"{block}._depthwise_conv", f"{block}._bn1"),
            "project": _folded(state, f"{block}._project_conv", f"{block}._bn2"),
        }
        if plan.expansion != 1:
            layers["expand"] = _folded(state, f"{block}._expand_conv", f"{block}._bn0")
        params[plan.name] = layers
    return params


def _folded(state: StateDict, conv: str, norm: str) -> ParamTree:
    return conv_with_batch_norm(state, conv, norm, BATCH_NORM_EPSILON)
