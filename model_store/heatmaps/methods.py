"""The ways in which a heatmap can be computed; see docs/heatmaps.md for what each of them says."""

from enum import StrEnum


class Method(StrEnum):
    """How a score is attributed to places of the picture."""

    GRADCAM = "gradcam"
    INTEGRATED_GRADIENTS = "integrated-gradients"
    OCCLUSION = "occlusion"
