"""Small pictures of photos, to look at."""

from io import BytesIO

from PIL import Image

LONGEST_SIDE = 480  # pixels
QUALITY = 80  # of JPEG, 1 to 95: about 35 kB for a photo of 480 px
MEDIA_TYPE = "image/jpeg"


def thumbnail(image: Image.Image, longest_side: int = LONGEST_SIDE) -> bytes:
    """Return an upright photo as a JPEG whose longer side has at most `longest_side` pixels; none is enlarged."""
    scale = min(1.0, longest_side / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0).convert("RGB")
    file = BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return file.getvalue()
