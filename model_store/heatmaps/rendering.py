"""Maps as pictures: a transparent overlay, the photo under it, and a legend."""

from io import BytesIO

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from model_store.heatmaps.colours import SIZE, diverging
from model_store.heatmaps.maps import PhotoMap

LONGEST_SIDE = 1024  # pixels; a map has a quarter of that, and gains nothing by more
# Of the photo in grey, where an overlay lies on it: its own colours would mix with the map's.
_GREY_SHARE = 0.8
_MAX_OPACITY = 0.85  # so that the photo is seen below the strongest places
_FEATHER = 0.15  # share of what the model sees over which a map fades out: that edge is none of the photo's

_LEGEND_HEIGHT = 74
_MARGIN = 12
_FULL_LEGEND_WIDTH = 480  # below, only the ends of the bar are told


def fit(width: int, height: int, longest_side: int = LONGEST_SIDE) -> tuple[int, int]:
    """Width and height at the same aspect, the longer side at most `longest_side`, none below 1."""
    scale = min(1.0, longest_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def overlay(photo_map: PhotoMap, width: int, height: int, scale: float) -> Image.Image:
    """The map alone over the whole photo, RGBA: orange raises the score, blue lowers it, the stronger the less clear.

    It fades out towards the border of what the model saw; what lies outside is clear.

    Args:
        photo_map: what is shown.
        width: of the upright photo, in pixels; the picture has at most `LONGEST_SIDE` on its longer side.
        height: likewise.
        scale: map value that gets the full colour.
    """
    size = fit(width, height)
    strength = np.clip(np.nan_to_num(photo_map.frame.to_photo(photo_map.values, *size) / scale), -1, 1)
    return Image.fromarray(_colour(strength * photo_map.frame.presence(*size, _FEATHER)), "RGBA")


def overlay_png(photo_map: PhotoMap, width: int, height: int, scale: float) -> bytes:
    """`overlay` as the bytes of a PNG file."""
    return to_png(overlay(photo_map, width, height, scale))


def blend(photo: Image.Image, laid_over: Image.Image) -> Image.Image:
    """The photo, paler, under an overlay: RGB, of the overlay's size."""
    small = photo.convert("RGB").resize(laid_over.size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    paler = Image.blend(small, small.convert("L").convert("RGB"), _GREY_SHARE)
    paler.paste(laid_over, mask=laid_over.getchannel("A"))
    return paler


def with_legend(picture: Image.Image, scale: float) -> Image.Image:
    """The picture above a bar that says what its colours mean.

    Args:
        picture: RGB.
        scale: map value that has the full colour.
    """
    width, height = picture.size
    sheet = Image.new("RGB", (width, height + _LEGEND_HEIGHT), "white")
    sheet.paste(picture)
    bar_width = max(1, width - 2 * _MARGIN)
    places = np.linspace(0, SIZE - 1, bar_width).round().astype(int)
    bar = np.broadcast_to(diverging()[places], (14, bar_width, 3))
    sheet.paste(Image.fromarray(np.ascontiguousarray(bar)), (_MARGIN, height + _MARGIN))
    _label(ImageDraw.Draw(sheet), width, height + 2 * _MARGIN + 8, scale)
    return sheet


def to_png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _colour(strength: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 4"]:
    ends = diverging()[np.where(strength < 0, 0, SIZE - 1)]
    opacity = np.rint(np.abs(strength) * _MAX_OPACITY * 255).astype(np.uint8)
    return np.concatenate([ends, opacity[..., None]], axis=2)


def _label(draw: ImageDraw.ImageDraw, width: int, top: int, scale: float) -> None:
    """Says at both ends of the bar what a hundredth of the picture's area adds there."""
    font = ImageFont.load_default(12)
    share = scale / 100
    texts = ((f"lowers the score, -{share:.4f}", "la", _MARGIN), (f"+{share:.4f}, raises it", "ra", width - _MARGIN))
    for text, anchor, place in texts:
        draw.text((place, top), text, fill="black", font=font, anchor=anchor)
    if width >= _FULL_LEGEND_WIDTH:
        draw.text((width / 2, top), "per 1 % of the picture", fill="black", font=font, anchor="ma")
        note = "Towards the edges colours fade: the model does not see the border of a photo."
        draw.text((width / 2, top + 18), note, fill="dimgrey", font=font, anchor="ma")
