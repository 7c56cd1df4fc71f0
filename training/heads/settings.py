"""What a training run may choose."""

from dataclasses import dataclass

MINIMUM_HEADS = 2


@dataclass(frozen=True)
class HeadSettings:
    """Settings of heads and of the cross-validation that measures them.

    Attributes:
        heads: how many are trained, each on a bootstrap of the photos of its own.
        folds: of the outer cross-validation, which measures.
        inner_folds: of the inner one, which chooses the penalty and calibrates.
        components: of the features' projection; from 128 to 512 the rank correlation on LNSIM changes by 0.003.
        landmarks: at most so many photos are basis functions; training takes their number cubed.
        penalties: of the ridge regression, among which the inner cross-validation chooses.
        error_penalty: of the regression of the errors, whose noise asks for much more.
        coverage: share of photos whose score the intervals are to contain.
        seed: of everything that is drawn.
    """

    heads: int = 5
    folds: int = 5
    inner_folds: int = 4
    components: int = 256
    landmarks: int = 2048
    penalties: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    error_penalty: float = 10.0
    coverage: float = 0.9
    seed: int = 0
