"""The first directory of a TIFF file, read before any decoder sees the file.

Pillow builds an object for every strip a directory names, and libtiff fills a buffer for every tile it
declares, so a small file can cost minutes and gigabytes. Layout: TIFF 6.0, section 2, and libtiff's BigTIFF.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

BITS_PER_SAMPLE, PHOTOMETRIC_INTERPRETATION = 258, 262

_STRIP_OFFSETS, _STRIP_BYTE_COUNTS = 273, 279
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_BYTE_COUNTS = 322, 323, 324, 325
_NEW_SUBFILE_TYPE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 330, 50706
_REDUCED_RESOLUTION = 1

_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
_BIG_TIFF = b"\x2b"
_BEYOND_THE_FILE = (struct.error, OverflowError)  # of struct, for a position too large and far too large
_INTEGER_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}  # BYTE, SHORT, LONG, IFD, LONG8


class Field(NamedTuple):
    """One entry of a directory; `position` is that of its value, or of the pointer to longer values."""

    tag: int
    kind: int
    n_values: int
    position: int


@dataclass(frozen=True)
class TiffDirectory:
    """The first image file directory. A damaged one can name a tag twice; then the worst is assumed.

    Attributes:
        data: the file.
        byte_order: of every number in it, as `struct` names it.
        offset_code: the type of a position in the file, as `struct` names it.
        fields: the entries, as far as the file goes, which is how Pillow reads them too.
        is_complete: whether the file goes on to the last of them.
    """

    data: bytes
    byte_order: str
    offset_code: str
    fields: tuple[Field, ...]
    is_complete: bool

    @classmethod
    def read(cls, data: bytes) -> "TiffDirectory | None":
        """Read the directory; None where the file is no TIFF."""
        order = _BYTE_ORDERS.get(data[:2])
        if order is None:
            return None
        offset_code, count_code, header = ("Q", "Q", 8) if data[2:3] == _BIG_TIFF else ("I", "H", 4)
        value_bytes = struct.calcsize(offset_code)
        entry = struct.Struct(f"{order}HH{offset_code}{value_bytes}x")
        try:
            (start,) = struct.unpack_from(order + offset_code, data, header)
            (n_fields,) = struct.unpack_from(order + count_code, data, start)
        except _BEYOND_THE_FILE:
            return cls(data, order, offset_code, fields=(), is_complete=False)
        first = start + struct.calcsize(count_code)
        n_whole = min(n_fields, (len(data) - first) // entry.size)
        table = data[first : first + n_whole * entry.size]
        fields = tuple(
            Field(tag, kind, n_values, first + (i + 1) * entry.size - value_bytes)
            for i, (tag, kind, n_values) in enumerate(entry.iter_unpack(table))
        )
        return cls(data, order, offset_code, fields, is_complete=n_whole == n_fields)

    @property
    def n_pieces(self) -> int:
        """How many strips or tiles the picture lies in."""
        return max((field.n_values for field in self._named(_STRIP_OFFSETS, _TILE_OFFSETS)), default=0)

    @property
    def tile_pixels(self) -> int:
        """Area of one tile; 0 for a picture in strips."""
        return self._largest(_TILE_WIDTH) * self._largest(_TILE_LENGTH)

    @property
    def is_camera_raw(self) -> bool:
        """Whether this is a DNG, or a preview above the sensor's own data, as in NEF and ARW."""
        is_preview = self._largest(_NEW_SUBFILE_TYPE) == _REDUCED_RESOLUTION
        return bool(self._named(_DNG_VERSION)) or (is_preview and bool(self._named(_SUB_DIRECTORIES)))

    @property
    def ends_early(self) -> bool:
        """Whether the directory, a strip, a tile or their table lies beyond the end of the file."""
        if not self.is_complete:
            return True
        offsets = self._named(_STRIP_OFFSETS, _TILE_OFFSETS)[:1]
        sizes = self._named(_STRIP_BYTE_COUNTS, _TILE_BYTE_COUNTS)[:1]
        for offset_field, size_field in zip(offsets, sizes, strict=False):
            pieces = list(zip(self._values(offset_field), self._values(size_field), strict=False))
            if not pieces or any(offset + size > len(self.data) for offset, size in pieces):
                return True
        return False

    def _named(self, *tags: int) -> list[Field]:
        return [field for field in self.fields if field.tag in tags]

    def _largest(self, tag: int) -> int:
        """The value of a field that has one, 0 without such a field."""
        singles = (field for field in self._named(tag) if field.n_values == 1)
        return max((value for field in singles for value in self._values(field)), default=0)

    def _values(self, field: Field) -> tuple[int, ...]:
        """The values of an integer field; none where it is of another type or lies beyond the file."""
        code = _INTEGER_CODES.get(field.kind)
        if code is None or field.n_values > len(self.data):
            return ()
        values, position = struct.Struct(f"{self.byte_order}{field.n_values}{code}"), field.position
        try:
            if values.size > struct.calcsize(self.offset_code):
                (position,) = struct.unpack_from(self.byte_order + self.offset_code, self.data, position)
            return values.unpack_from(self.data, position)
        except _BEYOND_THE_FILE:
            return ()
