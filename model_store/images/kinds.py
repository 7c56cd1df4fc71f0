"""Kinds of file that people send as images and that are not decoded, recognised by their first bytes."""

import re

_CAMERA_RAW = "a camera raw photo"
_VIDEO = "a video"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "a PDF document"),
    (0, b"%!PS", "a PostScript drawing"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (0, b"II\xbc\x01", "a JPEG XR image"),
    (0, b"MM\0\x2b", "a BigTIFF image of big-endian byte order"),  # which Pillow takes for a classic TIFF
    (0, b"icns", "an Apple icon"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (40, b" EMF", "a Windows metafile"),
    (0, b"DDS ", "a DirectDraw texture"),
    (0, b"qoif", "a QOI image"),
    (0, b"farbfeld", "a farbfeld image"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"#?RADIANCE", "a Radiance HDR image"),
    (0, b"#?RGBE", "a Radiance HDR image"),
    (0, b"SIMPLE  =", "a FITS image"),
    (8, b"CR\x02\0", _CAMERA_RAW),
    (4, b"ftypcrx ", _CAMERA_RAW),
    (0, b"FUJIFILMCCD-RAW", _CAMERA_RAW),
    (0, b"IIRO", _CAMERA_RAW),
    (0, b"IIRS", _CAMERA_RAW),
    (0, b"MMOR", _CAMERA_RAW),
    (0, b"IIU\0", _CAMERA_RAW),
    (0, b"FOVb", _CAMERA_RAW),
    (4, b"ftypqt  ", _VIDEO),
    (4, b"ftypisom", _VIDEO),
    (4, b"ftypmp4", _VIDEO),
    (4, b"ftypM4V", _VIDEO),
    (4, b"ftyp3gp", _VIDEO),
    (4, b"ftypavc1", _VIDEO),
    (8, b"AVI ", _VIDEO),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),
    (0, b"\0\0\1\xba", _VIDEO),
    (0, b"\0\0\1\xb3", _VIDEO),
    (0, b"PK\3\4", "a ZIP archive or office document"),
)
_MARKUP = re.compile(rb"\s*<(?:[^\0]*?<)?(?:!doctype\s+)?(svg|html)\b", re.IGNORECASE)
_MARKUP_KINDS = {b"svg": "an SVG drawing", b"html": "a web page"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def unsupported_kind(data: bytes) -> str | None:
    """Name the kind of a file that is recognised but not decoded, as in "a PDF document"; None for others."""
    for offset, signature, kind in _SIGNATURES:
        if data.startswith(signature, offset):
            return kind
    markup = _MARKUP.match(data[:1024].removeprefix(_BYTE_ORDER_MARK))
    return _MARKUP_KINDS[markup[1].lower()] if markup else None
