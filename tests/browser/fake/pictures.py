"""Thumbnails and heatmaps of the stand-in: a warm spot in the upper left, a cold one in the lower right."""

import io

import numpy as np
from PIL import Image

from model_store.heatmaps.frames import Frame
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.rendering import overlay_png

FRAME = Frame(resize=72, crop=64)


def thumbnail(image: Image.Image) -> bytes:
    """A small JPEG."""
    small = image.copy()
    small.thumbnail((480, 480))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return file.getvalue()


def photo_map() -> PhotoMap:
    """Values above 0 around a third of the way down and across, below 0 around four fifths."""
    rows, columns = np.mgrid[0 : FRAME.crop, 0 : FRAME.crop] / FRAME.crop
    warm = np.exp(-((rows - 0.35) ** 2 + (columns - 0.35) ** 2) / 0.02)
    cold = np.exp(-((rows - 0.8) ** 2 + (columns - 0.8) ** 2) / 0.01)
    values = (warm - 0.6 * cold).astype(np.float32)
    return PhotoMap(values, np.zeros_like(values), 0.8, FRAME)


def map_file() -> bytes:
    """The map as the workers store it."""
    return photo_map().to_npz({})


def overlay(width: int, height: int) -> bytes:
    """The map as a transparent PNG of the photo's aspect."""
    return overlay_png(photo_map(), width, height, scale=1.0)
