"""Tell a file that was cut off from one that is broken otherwise, after a decoder has given up on it."""

from collections.abc import Callable, Iterator

from model_store.images.icons import ICON_SIGNATURE, icons
from model_store.images.tiff_directory import TiffDirectory

_SIGNS = ("truncated", "end of file", "not enough image data")
_BOX_HEADER = 8
_END_OF_CODESTREAM = b"\xff\xd9"


def is_cut_off(data: bytes, error: BaseException) -> bool:
    """Whether the decoder said so, or the file's own structure points beyond its end."""
    if any(sign in text for text in _messages(error) for sign in _SIGNS):
        return True
    ends_early = next((check for at, magic, check in _CHECKS if data.startswith(magic, at)), None)
    return ends_early is not None and ends_early(data)


def _messages(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield str(error).lower()
        error = error.__cause__


def _webp_ends_early(data: bytes) -> bool:
    return int.from_bytes(data[4:8], "little") + _BOX_HEADER > len(data)


def _gif_ends_early(data: bytes) -> bool:
    return not data.endswith(b";")


def _jpeg_2000_ends_early(data: bytes) -> bool:
    return not data.endswith(_END_OF_CODESTREAM)


def _icon_ends_early(data: bytes) -> bool:
    return any(icon.end > len(data) for icon in icons(data))


def _tiff_ends_early(data: bytes) -> bool:
    directory = TiffDirectory.read(data)
    return directory is not None and directory.ends_early


def _boxes_end_early(data: bytes) -> bool:
    """Follow the top-level boxes of an ISO media file (ISO/IEC 14496-12, 4.2) to the end of the last."""
    position = 0
    while position + _BOX_HEADER <= len(data):
        size = int.from_bytes(data[position : position + 4])
        if size == 1:  # the size follows the type, in 64 bits
            size = int.from_bytes(data[position + 8 : position + 16])
        if size == 0:  # the box goes on to the end of the file
            return data[position + 4 : position + 8] == b"jp2c" and _jpeg_2000_ends_early(data)
        if size < _BOX_HEADER:
            return False
        position += size
    return position != len(data)


_CHECKS: tuple[tuple[int, bytes, Callable[[bytes], bool]], ...] = (
    (0, b"RIFF", _webp_ends_early),
    (0, b"GIF8", _gif_ends_early),
    (0, b"\xff\x4f\xff\x51", _jpeg_2000_ends_early),
    (0, ICON_SIGNATURE, _icon_ends_early),
    (0, b"II", _tiff_ends_early),
    (0, b"MM", _tiff_ends_early),
    (4, b"ftyp", _boxes_end_early),
    (4, b"jP  ", _boxes_end_early),
)
