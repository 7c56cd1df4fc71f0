"""Transformations of a plain Flax network into the one that is served: the same scores, sooner.

Each takes one kind of layer, prepares its parameters once a process, and computes it in another way. The plain network
stays the reference that tests compare with, and any transformation can be left out: see `named`. What each gained is in
docs/speed.md.
"""

from model_store.runtime.transforms.depthwise import ShiftedDepthwise
from model_store.runtime.transforms.int8_dense import Int8Dense
from model_store.runtime.transforms.layers import Convolution, LayerPlan, Transformation
from model_store.runtime.transforms.materialised import MaterialisedBlocks
from model_store.runtime.transforms.network import Preparation, TransformedNetwork
from model_store.runtime.transforms.selection import SWITCH, UnknownTransformationError, all_transformations, named
from model_store.runtime.transforms.winograd import Winograd

__all__ = [
    "SWITCH",
    "Convolution",
    "Int8Dense",
    "LayerPlan",
    "MaterialisedBlocks",
    "Preparation",
    "ShiftedDepthwise",
    "Transformation",
    "TransformedNetwork",
    "UnknownTransformationError",
    "Winograd",
    "all_transformations",
    "named",
]
