"""How much of what features say about a photo is still there when the photo is mirrored.

A mirrored photo is as memorable as the photo. What changes between the two is noise, and their difference shows which
directions of the features hold how much of it: no score is needed. Directions are shrunk by their share of the rest, as
a Wiener filter shrinks frequencies; within-class covariance normalisation does the like for voices (Hatch, Kajarekar
and Stolcke 2006, "Within-Class Covariance Normalization for SVM-based Speaker Recognition").
"""

import numpy as np
from jaxtyping import Float

_MINIMUM_SHARE = 1e-3  # a direction that mirroring turns round altogether is kept, faintly: the kernel stays regular


def steadying(
    standard: Float[np.ndarray, "photos components"], mirrored: Float[np.ndarray, "photos components"]
) -> Float[np.ndarray, "components components"]:
    """The matrix that, multiplied from the right, shrinks components; the identity where mirroring changes nothing.

    Args:
        standard: components of photos, centred, linearly independent.
        mirrored: of the same photos, mirrored.
    """
    straight, flipped = standard.astype(np.float64), mirrored.astype(np.float64)
    total = (straight.T @ straight + flipped.T @ flipped) / (2 * len(straight))
    difference = straight - flipped
    noise = difference.T @ difference / (2 * len(straight))
    values, axes = np.linalg.eigh(total)
    whiten, colour = (axes / np.sqrt(values)) @ axes.T, (axes * np.sqrt(values)) @ axes.T
    noise_shares, directions = np.linalg.eigh(whiten @ noise @ whiten)
    shares = np.clip(1 - noise_shares, _MINIMUM_SHARE, 1)
    return (whiten @ directions * shares @ directions.T @ colour).astype(np.float32)
