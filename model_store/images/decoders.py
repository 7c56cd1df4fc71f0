"""Which of Pillow's decoders may see a file, and their set-up.

Pillow can open some fifty formats, among them ones that start other programs or that nobody uses. Only raster
formats with an in-process decoder are listed here, and only their plugins are imported, which also saves the
time of loading the others at a cold start.
"""

import ctypes
import functools
import logging
import warnings

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

# TGA comes last: it has no signature, so its plugin is asked about everything that no other plugin knows.
# MPO, the format of two-lens and some phone cameras, is opened by the JPEG plugin; APNG by PNG's.
_FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        GifImagePlugin.GifImageFile,
        TiffImagePlugin.TiffImageFile,
        BmpImagePlugin.BmpImageFile,
        Jpeg2KImagePlugin.Jpeg2KImageFile,
        PpmImagePlugin.PpmImageFile,
        IcoImagePlugin.IcoImageFile,
        BmpImagePlugin.DibImageFile,
        TgaImagePlugin.TgaImageFile,
    )
)
_ISO_MEDIA_FORMATS = (AvifImagePlugin.AvifImageFile.format, "HEIF")
_DECODER_MODULES = r"(PIL|pillow_heif)\b"

# Without a handler, Pillow's logger would print its errors to stderr through logging's last resort.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def formats_for(data: bytes) -> tuple[str, ...]:
    """The names for `Image.open(formats=...)` that may open this file, their decoders made ready."""
    _drop_decoder_warnings()
    if data[4:8] == b"ftyp":
        _register_heif()
        return _ISO_MEDIA_FORMATS
    if data[:2] in (b"II", b"MM"):
        _silence_libtiff()
    return _FORMATS


def _drop_decoder_warnings() -> None:
    """Put a filter first that ignores warnings raised inside the decoders' own modules.

    The filter stays: `warnings.catch_warnings` around each decode would change, and then restore, a list that
    all threads share. It is put in front again where another was placed before it, such as "error" in tests.
    """
    if not warnings.filters or getattr(warnings.filters[0][3], "pattern", None) != _DECODER_MODULES:
        warnings.filterwarnings("ignore", module=_DECODER_MODULES)


@functools.cache
def _register_heif() -> None:
    """Add the HEIF plugin to Pillow, at the first file that may need its 26 MB of libraries."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


@functools.cache
def _silence_libtiff() -> None:
    """Take away libtiff's habit of printing to stderr; what fails still raises in Python."""
    try:
        library = ctypes.CDLL(_imaging.__file__)
        setters = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (OSError, AttributeError):  # the symbols are hidden in this build of Pillow
        return
    for setter in setters:
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
        setter(None)
