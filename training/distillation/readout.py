"""The first fit: all targets from the features that the student began with, by ridge regression."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from training.data.folds import Rows
from training.evaluation.metrics import spearman

# Of the Gram matrix's mean diagonal, which is 1 for each photo.
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_TINY = 1e-6

type Matrix = Float[np.ndarray, "photos _"]


@dataclass(frozen=True)
class Readout:
    """A linear map from features to targets.

    Attributes:
        kernel: weights.
        bias: what is added.
        penalty: that was chosen.
        spearman: of the score on the photos that chose it.
    """

    kernel: Float[np.ndarray, "features targets"] = field(repr=False)
    bias: Float[np.ndarray, " targets"] = field(repr=False)
    penalty: float
    spearman: float

    def __call__(self, features: Matrix) -> Matrix:
        """Targets of photos."""
        targets: Matrix = features @ self.kernel + self.bias
        return targets


def fit_readout(features: Matrix, targets: Matrix, train: Rows, validation: Rows) -> Readout:
    """Fits on one part of the photos and chooses the penalty on another, by the error of the score.

    Args:
        features: of all photos.
        targets: of all photos, the score's logit last.
        train: rows that are fitted.
        validation: rows that choose.
    """
    fitted = [_fit(features[train], targets[train], penalty) for penalty in PENALTIES]
    wanted = targets[validation, -1]
    predictions = [(features[validation] @ kernel + bias)[:, -1] for kernel, bias in fitted]
    best = int(np.argmin([np.mean((predicted - wanted) ** 2) for predicted in predictions]))
    kernel, bias = fitted[best]
    correlation = spearman(predictions[best].astype(np.float64), wanted.astype(np.float64))
    return Readout(kernel.astype(np.float32), bias.astype(np.float32), PENALTIES[best], correlation)


def _fit(features: Matrix, targets: Matrix, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    mean, scale = features.mean(axis=0), features.std(axis=0) + _TINY
    weights = 1 / (scale * np.sqrt(features.shape[1]))
    inputs, goal = (features - mean) * weights, targets.mean(axis=0)
    gram = inputs.T @ inputs + penalty * np.eye(inputs.shape[1], dtype=inputs.dtype)
    kernel = np.linalg.solve(gram, inputs.T @ (targets - goal)) * weights[:, None]
    return kernel, goal - mean @ kernel
