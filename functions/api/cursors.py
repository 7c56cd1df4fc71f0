"""Cursors: where the next page begins.

A cursor carries a position and no authority: what it is applied to comes from the token and the address. It is bound to
both all the same, so that one of another tenant or another list is refused rather than misunderstood.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from functions.api.problems import ProblemError, ProblemKind

ANY_TEXT = re.compile(r".*", re.DOTALL)
_SCOPE_BYTES = 12


@dataclass(frozen=True)
class Scope:
    """What a cursor is bound to: a tenant and the parts of a list's name."""

    tenant: str
    names: tuple[str, ...]

    def write(self, *position: str) -> str:
        """The cursor of a position."""
        text = json.dumps([self._mark, *position], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def read(self, cursor: str | None, *shapes: re.Pattern[str]) -> tuple[str, ...] | None:
        """The position, of a part for each shape; None for None.

        Args:
            cursor: as the client sends it.
            shapes: what each part of the position looks like.

        Raises:
            ProblemError: it is no cursor of this list.
        """
        if cursor is None:
            return None
        try:
            mark, *position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        except (ValueError, TypeError, RecursionError, binascii.Error):
            mark, position = None, []
        if mark != self._mark or not _have_shapes(position, shapes):
            raise ProblemError(
                ProblemKind.INVALID_CURSOR,
                "This is no cursor of this list: take `next_cursor` as the last page gave it.",
            )
        return tuple(position)

    @property
    def _mark(self) -> str:
        text = json.dumps([self.tenant, *self.names])
        return hashlib.sha256(text.encode()).hexdigest()[: 2 * _SCOPE_BYTES]


def _have_shapes(position: Sequence[object], shapes: Sequence[re.Pattern[str]]) -> bool:
    return len(position) == len(shapes) and all(
        isinstance(part, str) and shape.fullmatch(part) for part, shape in zip(position, shapes, strict=True)
    )
