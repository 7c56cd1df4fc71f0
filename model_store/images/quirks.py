"""Where Pillow's reading of a file differs from what an image viewer shows, and what makes up for it."""

from PIL import BmpImagePlugin, GifImagePlugin, IcoImagePlugin, Image, ImageFile, TgaImagePlugin

type Box = tuple[int, int, int, int]

# PNG keeps its transparent colour in the depth of the file (PNG specification, 11.3.2.1), and so does Pillow,
# though it widens pixels of 2 and 4 bits to 8 and drops the low byte of 16-bit RGB.
_WIDENED_GREY = {"L;2": 255 // 3, "L;4": 255 // 15}
_NARROWED_RGB = "RGB;16B"

# Writers of these formats often leave the fourth byte of a pixel at zero without meaning "invisible".
_UNUSED_ALPHA_FORMATS = frozenset(
    plugin.format
    for plugin in (
        BmpImagePlugin.BmpImageFile,
        BmpImagePlugin.DibImageFile,
        IcoImagePlugin.IcoImageFile,
        TgaImagePlugin.TgaImageFile,
    )
)


def match_transparent_colour(image: ImageFile.ImageFile) -> None:
    """Bring a PNG's transparent colour to the depth that its pixels will have. Call before `image.load()`."""
    colour = image.info.get("transparency")
    depth = image.tile[0][3] if image.tile else None
    if depth == _NARROWED_RGB and isinstance(colour, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif depth in _WIDENED_GREY and isinstance(colour, int):
        image.info["transparency"] = colour * _WIDENED_GREY[depth]


def first_frame_box(image: ImageFile.ImageFile) -> Box | None:
    """Where a GIF's first frame lies on its canvas; None if it covers it. Call before `image.load()`."""
    if image.format != GifImagePlugin.GifImageFile.format or not image.tile:
        return None
    box = image.tile[0][1]
    return None if box == (0, 0, *image.size) else box


def clear_around(picture: Image.Image, box: Box | None) -> Image.Image:
    """Whiten an RGB picture outside a box: Pillow fills a GIF's bare canvas with any palette colour."""
    if box is None:
        return picture
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture.crop(box), box)
    return page


def drop_unused_alpha(image: Image.Image) -> Image.Image:
    """Take an alpha channel that is zero everywhere for unused, in the formats whose writers do so."""
    if image.mode != "RGBA" or image.format not in _UNUSED_ALPHA_FORMATS:
        return image
    return image if image.getchannel("A").getbbox() else image.convert("RGB")


def forget_malformed_xmp(image: ImageFile.ImageFile) -> None:
    """Drop XMP data that is not bytes, on which Pillow fails while it turns a good TIFF picture upright."""
    if not isinstance(image.info.get("xmp", b""), bytes):
        del image.info["xmp"]
