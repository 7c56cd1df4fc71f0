"""A student as something to train: its features, computed so that their gradients are cheap on a CPU."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jaxtyping import Array, Float, UInt8

from model_store.images import Preprocessing
from model_store.models.checkpoints import unflatten
from model_store.models.efficientnet_lite.modeling import (
    SCORE,
    TRUNK,
    EfficientNetLiteTrunk,
    InvertedBottleneck,
)
from model_store.runtime.executables import COMPILER_OPTIONS
from model_store.runtime.transforms import Convolution, LayerPlan, ShiftedDepthwise, TransformedNetwork
from training.data.folds import Rows
from training.distillation.students import Student
from training.fine_tuning.batches import centre_crops
from training.fine_tuning.squares import Squares

TOP = "top"
READOUT = "readout"  # of all targets, where a student that is served has its score

type Flat = Mapping[str, Array | np.ndarray]
type Images = UInt8[Array, "batch size size 3"] | UInt8[np.ndarray, "batch size size 3"]


@dataclass(frozen=True)
class PointwiseProducts:
    """1×1 convolutions as matrix products: XLA's gradients of convolutions take several times as long on a CPU."""

    name: str = "pointwise-products"

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """Leaves tensors as they are."""
        return None

    def computes(self, layer: nn.Module) -> bool:
        """Convolutions of single pixels."""
        return isinstance(layer, nn.Conv) and layer.kernel_size in ((1, 1), [1, 1])

    def apply(
        self, layer: nn.Module, plain: Callable[..., Any], *inputs: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width features"]:
        """The convolution with its bias."""
        (x,) = inputs
        product: Array = x @ layer.get_variable("params", "kernel")[0, 0] + layer.get_variable("params", "bias")
        return product


@dataclass(frozen=True)
class MaterialisedBottlenecks:
    """Blocks behind a barrier, without which XLA computes their sums again in every block that follows."""

    name: str = "materialised-bottlenecks"

    def plan(self, use: Convolution | None, stored: Mapping[str, jax.ShapeDtypeStruct]) -> LayerPlan | None:
        """Leaves tensors as they are."""
        return None

    def computes(self, layer: nn.Module) -> bool:
        """Every block."""
        return isinstance(layer, InvertedBottleneck)

    def apply(
        self, layer: nn.Module, plain: Callable[..., Any], *inputs: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch h w features"]:
        """The same values."""
        output: Array = jax.lax.optimization_barrier(plain(*inputs))
        return output


@dataclass(frozen=True)
class StudentNetwork:
    """A student's trunk and a readout of all targets.

    Attributes:
        student: its shape.
    """

    student: Student

    def features(self, params: Flat, images: Images) -> Float[Array, "batch features"]:
        """Pooled features; traceable."""
        module = EfficientNetLiteTrunk(self.student.width, self.student.depth)
        network = TransformedNetwork(module, (ShiftedDepthwise(), PointwiseProducts(), MaterialisedBottlenecks()))
        features: Array = network.apply({"params": unflatten(params)[TRUNK]}, images)
        return features

    def __call__(self, params: Flat, images: Images) -> Float[Array, "batch targets"]:
        """All targets, the score's last; traceable and differentiable by `trained_paths`."""
        targets: Array = self.features(params, images) @ params[f"{READOUT}/kernel"] + params[f"{READOUT}/bias"]
        return targets


def trained_paths(params: Flat, first_stage: int) -> list[str]:
    """The parameters that training changes: the readout, and the products' kernels from a stage on.

    Depthwise kernels and biases stay: their gradients are sums over all places, which take XLA's CPU compiler as long
    as all the rest, and they are 3 % of the parameters.
    """
    return [path for path in params if path.startswith(READOUT) or _is_trained_kernel(path, first_stage)]


def _is_trained_kernel(path: str, first_stage: int) -> bool:
    part, block, *rest = path.split("/")
    if part != TRUNK or rest[-1] != "kernel":
        return False
    return block == TOP or (
        block.startswith("stage") and rest[0] != "depthwise" and int(block[len("stage") :].split("_")[0]) >= first_stage
    )


def as_served(params: Flat, mean: float, scale: float) -> dict[str, np.ndarray]:
    """Parameters of the network that is served: of all targets it has the score's logit alone.

    Args:
        params: with the readout.
        mean: of the logit.
        scale: of the logit.
    """
    trunk = {path: np.asarray(value) for path, value in params.items() if path.startswith(TRUNK)}
    kernel, bias = (np.asarray(params[f"{READOUT}/{name}"])[..., -1:] for name in ("kernel", "bias"))
    return trunk | {
        f"{SCORE}/kernel": (kernel * scale).astype(np.float32),
        f"{SCORE}/bias": (bias * scale + mean).astype(np.float32),
    }


@dataclass(frozen=True, eq=False)
class Looker:
    """A student's features of photos that are cut as they are where it is served; compiled once.

    Attributes:
        network: the student.
        squares: of all photos.
        preprocessing: of the student.
        batch: photos at once.
    """

    network: StudentNetwork
    squares: Squares = field(repr=False)
    preprocessing: Preprocessing
    batch: int

    @cached_property
    def _features(self) -> Callable[[Flat, Images], Array]:
        return compiled(self.network.features)

    def __call__(
        self, params: Flat, rows: Rows, on_photos: Callable[[int], object] = lambda _done: None
    ) -> Float[np.ndarray, "rows features"]:
        """Pooled features of photos, in the order of their rows; `on_photos` is told how many are done."""
        trunk = {path: value for path, value in params.items() if path.startswith(TRUNK)}
        found: list[np.ndarray] = []
        for start in range(0, len(rows), self.batch):
            wanted = rows[start : start + self.batch]
            crops = centre_crops(self.squares, np.resize(wanted, self.batch), self.preprocessing)  # one shape
            found.append(np.asarray(self._features(trunk, crops))[: len(wanted)])
            on_photos(start + len(wanted))
        return np.concatenate(found)


def compiled[**Arguments, Result](function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A jitted function, compiled with the options of serving."""
    jitted: Callable[Arguments, Result] = jax.jit(function, compiler_options=dict(COMPILER_OPTIONS))
    return jitted
