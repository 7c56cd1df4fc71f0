"""Photos to upload, more of them than there are under free licences."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image


def photo_variants(photos: Sequence[Path], count: int, folder: Path) -> dict[str, bytes]:
    """Files made of some photos by turning, mirroring and cropping, all of them different.

    Args:
        photos: where they are made from.
        count: how many.
        folder: they are written to it too.
    """
    made = {}
    for number in range(count):
        source = photos[number % len(photos)]
        with Image.open(source) as opened:
            variant = _changed(opened.convert("RGB"), number // len(photos))
        path = folder / f"{number:02}-{source.stem}.jpg"
        variant.save(path, quality=92)
        made[path.name] = path.read_bytes()
    return made


def _changed(image: Image.Image, change: int) -> Image.Image:
    match change:
        case 0:
            return image
        case 1:
            return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        case 2:
            return image.rotate(90, expand=True)
        case _:
            return image.crop((0, 0, image.width * 3 // 4, image.height * 3 // 4))
