"""Names of things in the store: `resmem`, `resmem@1.1.6`, `default@3`."""

import re
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import StringConstraints

from model_store.store.errors import StoreError

NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,63}"
VERSION_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

Name = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}$")]
Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION_PATTERN}$")]
PinnedRef = Annotated[str, StringConstraints(pattern=rf"^{NAME_PATTERN}@{VERSION_PATTERN}$")]

_NAME, _VERSION = re.compile(NAME_PATTERN), re.compile(VERSION_PATTERN)


@dataclass(frozen=True)
class Ref:
    """A model or an ensemble: one version of it, or whichever is newest when `version` is None."""

    name: str
    version: str | None = None

    def __post_init__(self) -> None:
        """Refuse, with a `StoreError`, a name or version that could not be a folder of the store."""
        if not _NAME.fullmatch(self.name) or not (self.version is None or _VERSION.fullmatch(self.version)):
            raise StoreError(
                f"{str(self)!r} is not a reference: write NAME or NAME@VERSION, the name in lower-case "
                "letters, digits, - and _, the version in letters, digits, ., - and _, each starting with a "
                "letter or digit and at most 64 characters long."
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME` or `NAME@VERSION`; raises `StoreError` for anything else."""
        name, separator, version = text.partition("@")
        return cls(name, version if separator else None)

    def __str__(self) -> str:
        """Return `NAME` or `NAME@VERSION`."""
        return self.name if self.version is None else f"{self.name}@{self.version}"
