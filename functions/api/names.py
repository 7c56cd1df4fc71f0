"""Names of files as clients give them: each becomes part of an object's key and of an item's."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

from functions.api.limits import MAX_FILE_NAME_BYTES

_LINE_ENDS = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators
# Embeddings, overrides and isolates: they can show `gpj.exe` as `exe.jpg`.
_TURNING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
_ARABIC_NONCHARACTERS = range(0xFDD0, 0xFDF0)


def check_file_name(name: str) -> str:
    """Returns the name as it is.

    Raises:
        ValueError: it cannot be kept, or could mean another place than it seems to.
    """
    if reason := _refusal(name):
        raise ValueError(f"{reason}; rename the file")
    return name


def _refusal(name: str) -> str | None:
    if "/" in name or "\\" in name:
        return "a file name has no / or \\, and no folder before it"
    if name in {".", ".."}:
        return f"{name} is a folder, not a file"
    if any(_is_unfit(character) for character in name):
        return "a file name has no control characters, line ends or marks that turn the direction of writing"
    if "${" in name:  # S3 puts another name in its place: API reference, "POST Object"
        return "a file name has no ${"
    if len(name.encode()) > MAX_FILE_NAME_BYTES:
        return f"a file name has at most {MAX_FILE_NAME_BYTES} bytes in UTF-8, this one {len(name.encode())}"
    return None


def _is_unfit(character: str) -> bool:
    code = ord(character)
    is_noncharacter = code & 0xFFFE == 0xFFFE or code in _ARABIC_NONCHARACTERS
    return is_noncharacter or character in _TURNING or unicodedata.category(character) in _LINE_ENDS


FileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_FILE_NAME_BYTES,
        description=f"no folder, no control characters, at most {MAX_FILE_NAME_BYTES} bytes in UTF-8",
        examples=["beach.jpg"],
        json_schema_extra={"pattern": r"^[^/\\\x00-\x1f\x7f]+$"},
    ),
    AfterValidator(check_file_name),
]
