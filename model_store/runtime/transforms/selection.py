"""Which transformations networks are served with."""

import os
from collections.abc import Mapping

from model_store.errors import MemorabilityError
from model_store.runtime.transforms.depthwise import ShiftedDepthwise
from model_store.runtime.transforms.int8_dense import Int8Dense
from model_store.runtime.transforms.layers import Transformation
from model_store.runtime.transforms.materialised import MaterialisedBlocks
from model_store.runtime.transforms.winograd import Winograd

SWITCH = "MEMORABILITY_TRANSFORMATIONS"


class UnknownTransformationError(MemorabilityError):
    """A name that stands for no transformation."""


def all_transformations() -> tuple[Transformation, ...]:
    """Every transformation that pays."""
    return MaterialisedBlocks(), Winograd(), Int8Dense(), ShiftedDepthwise()


def named(environment: Mapping[str, str] = os.environ) -> tuple[Transformation, ...]:
    """Those that MEMORABILITY_TRANSFORMATIONS names, separated by commas; all of them where it is not set.

    Raises:
        UnknownTransformationError: there is none of that name.
    """
    known = {transformation.name: transformation for transformation in all_transformations()}
    names = environment.get(SWITCH, ",".join(known))
    asked = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := sorted(set(asked) - known.keys()):
        raise UnknownTransformationError(f"{SWITCH} names {', '.join(unknown)}; transformations are {', '.join(known)}")
    return tuple(known[name] for name in asked)
