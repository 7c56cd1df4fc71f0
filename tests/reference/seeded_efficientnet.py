"""EfficientNet-Lite0 with weights drawn from a seed, in the names of `efficientnet_lite_pytorch`."""

from collections.abc import Sequence
from itertools import count

import numpy as np

from tests.unit.models.synthetic_states import State, StateBuilder

# Blocks (repeats, kernel, expansion, features), written down from the published package, not from our own plan.
LITE0 = ((1, 3, 1, 16), (2, 3, 6, 24), (2, 5, 6, 40), (3, 3, 6, 80), (3, 5, 6, 112), (4, 5, 6, 192), (1, 3, 6, 320))
# A quarter as wide and as deep.
TINY = ((1, 3, 1, 8), (1, 3, 6, 8), (1, 5, 6, 16), (1, 3, 6, 24), (1, 5, 6, 32), (1, 5, 6, 48), (1, 3, 6, 80))
_STEM, _TOP, _CLASSES = 32, 1280, 1000

type Stages = Sequence[tuple[int, int, int, int]]


def seeded_state(seed: int, stages: Stages = LITE0) -> State:
    """A whole state dict, classes included."""
    builder, numbers, inputs = StateBuilder(seed), count(), _STEM
    builder.conv("_conv_stem", _STEM, 3, 3)
    builder.batch_norm("_bn0", _STEM)
    for repeats, kernel, expansion, features in stages:
        for _ in range(repeats):
            name, wide = f"_blocks.{next(numbers)}", inputs * expansion
            if expansion != 1:
                builder.conv(f"{name}._expand_conv", wide, inputs, 1)
                builder.batch_norm(f"{name}._bn0", wide)
            builder.conv(f"{name}._depthwise_conv", wide, 1, kernel)
            builder.batch_norm(f"{name}._bn1", wide)
            builder.conv(f"{name}._project_conv", features, wide, 1)
            builder.batch_norm(f"{name}._bn2", features)
            inputs = features
    builder.conv("_conv_head", _TOP, inputs, 1)
    builder.batch_norm("_bn1", _TOP)
    builder.state["_fc.weight"] = np.zeros((_CLASSES, _TOP), np.float32)
    builder.state["_fc.bias"] = np.zeros(_CLASSES, np.float32)
    return builder.state
