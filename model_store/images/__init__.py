"""Bytes of a file → an upright RGB picture → the pixels a model looks at. Pillow and NumPy, never JAX."""

from typing import TYPE_CHECKING, Any

from model_store.images.errors import ImageError, ImageErrorCode
from model_store.images.limits import DEFAULT_LIMITS, ImageLimits

if TYPE_CHECKING:
    from model_store.images.decoding import check_size, decode, decode_scaled
    from model_store.images.preprocessing import Preprocessing

__all__ = [
    "DEFAULT_LIMITS",
    "ImageError",
    "ImageErrorCode",
    "ImageLimits",
    "Preprocessing",
    "check_size",
    "decode",
    "decode_scaled",
]


def __getattr__(name: str) -> Any:
    """Imports Pillow and NumPy for those who decode; who reads records needs the errors' names, and starts light."""
    match name:
        case "check_size" | "decode" | "decode_scaled":
            from model_store.images import decoding

            return getattr(decoding, name)
        case "Preprocessing":
            from model_store.images.preprocessing import Preprocessing

            return Preprocessing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
