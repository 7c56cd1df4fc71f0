"""The published ResMem state dict → parameters of `ResMem`."""

from collections.abc import Sequence

from model_store.models.resnet import RESNET_152_BLOCKS
from model_store.models.torchvision_params import ParamTree, StateDict, branch_and_head, resnet

_TRUNK_NAMES = {
    "stem": "features.conv1",
    "stem_norm": "features.bn1",
    **{f"stage{i}": f"features.layer{i}" for i in (1, 2, 3, 4)},
    "logits": "features.fc",
}
# The branch sees 227×227 pixels and ends in 6×6 positions of 256 channels: the 9,216 features the checkpoint names.
BRANCH_SHAPE = (6, 6, 256)


def convert(state: StateDict, blocks: Sequence[int] = RESNET_152_BLOCKS) -> ParamTree:
    """Returns nested float32 parameters, batch normalisation folded.

    Args:
        state: the published state dict.
        blocks: bottlenecks in each ResNet stage.
    """
    branch, head = branch_and_head(state, BRANCH_SHAPE)
    return {"branch": branch, "head": head, "trunk": resnet(state, blocks, _TRUNK_NAMES)}
