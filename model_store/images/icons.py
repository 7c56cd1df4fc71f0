"""The directory of a Windows icon, and what the images in it say of themselves.

Pillow decodes an icon while opening it, by the size in the image, which need not be the one in the directory.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

ICON_SIGNATURE = b"\0\0\1\0"

_DIRECTORY_HEADER = 6
_ENTRY = struct.Struct("<8xII")  # size and position of the image, after eight bytes on its looks
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = struct.Struct(">16xII")  # behind signature, length and name of the first chunk
_BITMAP_SIZE = struct.Struct("<Iii")  # header size, width, height
_OLD_BITMAP_HEADER, _OLD_BITMAP_SIZE = 12, struct.Struct("<4xHH")


class Icon(NamedTuple):
    """One image of an icon file: where it ends, and its width and height in pixels (0 where unreadable)."""

    end: int
    width: int
    height: int


def icons(data: bytes) -> Iterator[Icon]:
    """Every image that an icon file's directory names, as far as the directory goes."""
    count = int.from_bytes(data[4:_DIRECTORY_HEADER], "little")
    directory = data[_DIRECTORY_HEADER : _DIRECTORY_HEADER + count * _ENTRY.size]
    whole_entries = directory[: len(directory) - len(directory) % _ENTRY.size]
    for size, start in _ENTRY.iter_unpack(whole_entries):
        yield Icon(start + size, *_declared_size(data[start : start + _PNG_SIZE.size]))


def _declared_size(header: bytes) -> tuple[int, int]:
    """Width and height from the start of a PNG file or of a bitmap, whose height counts picture and mask."""
    if len(header) < _PNG_SIZE.size:
        return 0, 0
    if header.startswith(_PNG_SIGNATURE):
        width, height = _PNG_SIZE.unpack(header)
        return width, height
    header_size, width, height = _BITMAP_SIZE.unpack_from(header)
    if header_size == _OLD_BITMAP_HEADER:
        width, height = _OLD_BITMAP_SIZE.unpack_from(header)
    return abs(width), abs(height) // 2
