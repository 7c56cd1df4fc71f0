"""A diverging colour map, built from CIELAB: blue lowers the score, orange raises it, and white does nothing.

From white, lightness falls and chroma grows in equal steps to both sides: equal differences of a value are equal
distances in CIELAB, and both sides weigh the same (Moreland 2009, "Diverging Color Maps for Scientific Visualization").
Blue and orange are told apart with every common kind of colour blindness, which lies along red and green or, rarely,
blue and yellow, but hardly ever along both (Okabe and Ito 2008, "Color Universal Design").
"""

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8

SIZE = 511  # odd, so that one entry is exactly white
# CIELAB lightness of the ends, and their chroma and hue in degrees: as strong as sRGB holds for both hues alike.
_WHITE_LIGHTNESS, _END_LIGHTNESS = 97.0, 58.0
_END_CHROMA = 64.0
_BLUE_HUE, _ORANGE_HUE = 282.0, 60.0

# IEC 61966-2-1 (sRGB), and its white, CIE illuminant D65.
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_D65 = np.array([0.9505, 1.0, 1.089])


@cache
def diverging() -> UInt8[np.ndarray, "511 3"]:
    """The colours in sRGB, from the lowest value to the highest."""
    return np.rint(lab_to_srgb(diverging_lab()) * 255).astype(np.uint8)


def diverging_lab() -> Float[np.ndarray, "511 3"]:
    """The same in CIELAB."""
    position = np.linspace(-1, 1, SIZE)
    strength = np.abs(position)
    hue = np.radians(np.where(position < 0, _BLUE_HUE, _ORANGE_HUE))
    lightness = _WHITE_LIGHTNESS + (_END_LIGHTNESS - _WHITE_LIGHTNESS) * strength
    chroma = _END_CHROMA * strength
    return np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


def lab_to_srgb(lab: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """CIELAB (CIE 15:2004, white D65) → sRGB; outside 0..1 where sRGB has no such colour."""
    middle = (lab[:, 0] + 16) / 116
    xyz = np.stack([middle + lab[:, 1] / 500, middle, middle - lab[:, 2] / 200], axis=1)
    linear = (np.where(xyz > 6 / 29, xyz**3, 3 * (6 / 29) ** 2 * (xyz - 4 / 29)) * _D65) @ _XYZ_TO_RGB.T
    curved = 1.055 * np.sign(linear) * np.abs(linear) ** (1 / 2.4) - 0.055
    srgb: np.ndarray = np.where(linear <= 0.0031308, 12.92 * linear, curved)
    return srgb
