"""Turns torchvision state dicts into parameters of this package's layers, batch normalisation folded away."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

# torch.nn.BatchNorm2d's default, which torchvision's ResNets keep.
BATCH_NORM_EPSILON = 1e-5

StateDict = Mapping[str, np.ndarray]
ParamTree = dict[str, Any]


def conv(state: StateDict, name: str) -> ParamTree:
    """A convolution's kernel (out, in, h, w) → (h, w, in, out), and its bias."""
    return {"kernel": _channels_last(state[f"{name}.weight"]), "bias": np.float32(state[f"{name}.bias"])}


def conv_with_batch_norm(
    state: StateDict, conv_name: str, norm_name: str, epsilon: float = BATCH_NORM_EPSILON
) -> ParamTree:
    """A bias-free convolution and the batch normalisation behind it, as one convolution with a bias.

    y = (w·x - mean) · gamma / sqrt(var + eps) + beta is again a convolution; folded in float64 so that the only
    rounding is the final one.
    """
    gamma, beta, mean, variance = (
        state[f"{norm_name}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + epsilon)
    kernel = state[f"{conv_name}.weight"].astype(np.float64) * scale[:, None, None, None]
    return {"kernel": _channels_last(kernel), "bias": np.float32(beta - mean * scale)}


def dense(state: StateDict, name: str) -> ParamTree:
    """A dense layer's kernel (out, in) → (in, out), and its bias."""
    return {
        "kernel": np.ascontiguousarray(state[f"{name}.weight"].T, dtype=np.float32),
        "bias": np.float32(state[f"{name}.bias"]),
    }


def resnet(state: StateDict, blocks: Sequence[int], names: Mapping[str, str]) -> ParamTree:
    """Parameters of `model_store.models.resnet.ResNet`.

    Args:
        state: the state dict that holds the trunk.
        blocks: bottlenecks in each stage.
        names: the checkpoint's prefixes of `stem`, `stem_norm`, `stage1` … `stage4`, and of `logits` if there are any.
    """
    params = {"stem": conv_with_batch_norm(state, names["stem"], names["stem_norm"])}
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            params[f"stage{stage}_block{block}"] = _bottleneck(state, f"{names[f'stage{stage}']}.{block}")
    if "logits" in names:
        params["logits"] = dense(state, names["logits"])
    return params


def _bottleneck(state: StateDict, prefix: str) -> ParamTree:
    params = {f"conv{i}": conv_with_batch_norm(state, f"{prefix}.conv{i}", f"{prefix}.bn{i}") for i in (1, 2, 3)}
    if f"{prefix}.downsample.0.weight" in state:
        params["project"] = conv_with_batch_norm(state, f"{prefix}.downsample.0", f"{prefix}.downsample.1")
    return params


def branch_and_head(state: StateDict, branch_shape: tuple[int, int, int]) -> tuple[ParamTree, ParamTree]:
    """Parameters of `AlexNetBranch` and `RegressionHead` from ResMem's `conv1` … `conv5` and `fc6` … `fc12`.

    Args:
        state: the published state dict.
        branch_shape: (height, width, channels) of the branch's last feature map.
    """
    head = {f"fc{i}": dense(state, f"fc{i}") for i in range(6, 13)}
    head["fc6"]["kernel"] = _rows_channels_last(head["fc6"]["kernel"], branch_shape)
    return {f"conv{i}": conv(state, f"conv{i}") for i in range(1, 6)}, head


def _rows_channels_last(
    kernel: Float[np.ndarray, "inputs outputs"], shape: tuple[int, int, int]
) -> Float[np.ndarray, "inputs outputs"]:
    """Reorders the rows that read a flattened feature map: PyTorch flattens it channels first, we channels last."""
    height, width, channels = shape
    order = np.arange(channels * height * width).reshape(channels, height, width).transpose(1, 2, 0).ravel()
    return np.concatenate([kernel[order], kernel[order.size :]])


def _channels_last(kernel: np.ndarray) -> Float[np.ndarray, "height width inputs outputs"]:
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), dtype=np.float32)
