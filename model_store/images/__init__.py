"""Bytes of a file → an upright RGB picture → the pixels a model looks at. Pillow and NumPy, never JAX."""

from model_store.images.decoding import check_size, decode
from model_store.images.errors import ImageError, ImageErrorCode
from model_store.images.limits import DEFAULT_LIMITS, ImageLimits
from model_store.images.preprocessing import Preprocessing

__all__ = [
    "DEFAULT_LIMITS",
    "ImageError",
    "ImageErrorCode",
    "ImageLimits",
    "Preprocessing",
    "check_size",
    "decode",
]
