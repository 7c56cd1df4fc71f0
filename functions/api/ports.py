"""What the API asks of AWS; the adapters in `functions.aws` do it, and fakes in tests."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from model_store.heatmaps.jobs import HeatmapJob
from model_store.items import Item
from model_store.uploads import BatchKey


@dataclass(frozen=True)
class IndexPage:
    """Items of an index, newest first, and whether there may be more behind them."""

    items: Sequence[Item]
    has_more: bool


class BatchTable(Protocol):
    """The results table as the API uses it. Reads see every write that was finished before."""

    def get(self, key: Item) -> Item | None:
        """The item with that key, or None."""

    def partition(self, batch: BatchKey, attributes: Collection[str] | None = None) -> list[Item]:
        """Every item of a batch: its own, and those of photos and heatmaps.

        Args:
            batch: whose items.
            attributes: the only ones that are wanted, None for all; keys come always.
        """

    def newest(self, tenant: str, limit: int, after: Item | None) -> IndexPage:
        """A tenant's batches without their files, newest first, from the index, which may be a moment behind.

        Args:
            tenant: whose batches.
            limit: at most so many.
            after: key of the item before the first one.
        """

    def create(self, *items: Item, now: datetime) -> bool:
        """Writes items, all or none.

        Returns False where one of them is there already and has not expired, or is being written by somebody else.
        """

    def replace(self, item: Item, revision: int) -> bool:
        """Writes an item in place of the one with that revision; returns False where it has another by now."""

    def put_unless_done(self, item: Item) -> bool:
        """Writes a heatmap's item unless there is one that is better; returns whether it was written."""

    def delete(self, keys: Sequence[Item]) -> None:
        """Deletes items; those that are not there are deleted already."""


@dataclass(frozen=True)
class Form:
    """A signed form."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class Links(Protocol):
    """Signs links to objects, without asking anybody; they expire."""

    def upload(self, key: str, n_bytes: int, media_type: str) -> Form:
        """A form by which exactly this object may be uploaded, with this size and this type."""

    def photo(self, key: str) -> str:
        """A link to a photo."""

    def picture(self, key: str) -> str:
        """A link to a thumbnail, or to a file of a heatmap."""


class Objects(Protocol):
    """The objects of all buckets that hold something of a batch."""

    def remove(self, batch: BatchKey) -> None:
        """Removes every version of every object of a batch: photos, thumbnails and heatmaps."""


class JobQueue(Protocol):
    """The queue of the heatmap workers."""

    def send(self, jobs: Sequence[HeatmapJob]) -> None:
        """Sends jobs; raises where one of them was not taken."""
