"""What the logic asks of AWS; the adapters in `model_store.aws` do it, and fakes in tests."""

from collections.abc import Iterator
from typing import Any, Protocol


class MissingObjectError(Exception):
    """An object, or the version of it, that is not there or not there any more."""


class ObjectSource(Protocol):
    """Objects of one bucket."""

    def read(self, key: str, version_id: str | None, max_bytes: int) -> tuple[int, bytes]:
        """Size in bytes and content of an object, whose content is not fetched if it is over `max_bytes`.

        Args:
            key: the object.
            version_id: the version of it, None for the newest.
            max_bytes: size up to which the content is fetched; of a larger object it is returned empty.

        Raises:
            MissingObjectError: there is no such object or version.
        """

    def chunks(self, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The content of an object, piece by piece; raises as `read` does."""


class ItemTable(Protocol):
    """The results table."""

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The item with that key as it is now, or None."""

    def put_newer(self, item: dict[str, Any], *, replace_equal: bool = False) -> bool:
        """Writes an item unless one that stems from a later event, or from the same one, is there.

        Args:
            item: with key and `event_order`.
            replace_equal: replace an item that stems from the same event.

        Returns:
            Whether it was written.
        """


class HeatmapTable(Protocol):
    """The results table, for heatmaps."""

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The item with that key as it is now, or None."""

    def put_unless_done(self, item: dict[str, Any], *, only_replace: bool = False) -> bool:
        """Writes a heatmap's item unless a done one of the same upload is there, or any of a later upload.

        Args:
            item: with key, `status` and `event_order`.
            only_replace: write nothing where there is no item, because it was deleted meanwhile.

        Returns:
            Whether it was written.
        """


class ObjectSink(Protocol):
    """Objects of one bucket, to be written."""

    def write(self, key: str, content: bytes, media_type: str) -> None:
        """Writes an object, in place of one that is there."""
