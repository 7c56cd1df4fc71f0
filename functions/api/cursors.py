"""Cursors: where the next page begins.

A cursor carries a position and no authority: what it is applied to comes from the token and the address. It is bound to
both all the same, so that one of another tenant or another list is refused rather than misunderstood.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass

from functions.api.problems import ProblemError, ProblemKind

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

    def read(self, cursor: str | None, length: int) -> tuple[str, ...] | None:
        """The position, of so many parts; None for None.

        Raises:
            ProblemError: it is no cursor of this list.
        """
        if cursor is None:
            return None
        try:
            mark, *position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        except (ValueError, TypeError, RecursionError, binascii.Error):
            mark, position = None, []
        if mark != self._mark or len(position) != length or not all(isinstance(part, str) for part in position):
            raise ProblemError(
                ProblemKind.INVALID_CURSOR,
                "This is no cursor of this list: take `next_cursor` as the last page gave it.",
            )
        return tuple(position)

    @property
    def _mark(self) -> str:
        text = json.dumps([self.tenant, *self.names])
        return hashlib.sha256(text.encode()).hexdigest()[: 2 * _SCOPE_BYTES]
