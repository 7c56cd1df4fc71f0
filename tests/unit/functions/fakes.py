"""Stand-ins for S3 and DynamoDB, and events of them."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from functions.events import ObjectEvent
from model_store.items import ORDER, Item
from model_store.ports import MissingObjectError


class FakeObjects:
    """A bucket in memory; `on_read` is called with every key that is read, before it is."""

    def __init__(self, content: dict[str, bytes], on_read: Callable[[str], object] = lambda _key: None) -> None:
        self.content = content
        self._on_read = on_read

    def read(self, key: str, version_id: str | None, max_bytes: int) -> tuple[int, bytes]:
        data = self._get(key)
        return len(data), data if len(data) <= max_bytes else b""

    def chunks(self, key: str, version_id: str | None = None) -> Iterator[bytes]:
        data = self._get(key)
        yield from (data[start : start + 1000] for start in range(0, len(data), 1000))

    def _get(self, key: str) -> bytes:
        self._on_read(key)
        if key not in self.content:
            raise MissingObjectError(f"{key} is not there (any more)")
        return self.content[key]


class FakeTable:
    """A table in memory; `on_write` is called before every write."""

    def __init__(self, on_write: Callable[[Item], object] = lambda _item: None) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self._on_write = on_write

    def get(self, key: dict[str, Any]) -> Item | None:
        return copy.deepcopy(self.items.get((key["pk"], key["sk"])))

    def put_newer(self, item: Item, *, replace_equal: bool = False) -> bool:
        self._on_write(item)
        present = self.items.get((item["pk"], item["sk"]))
        if present and (present[ORDER] > item[ORDER] or (present[ORDER] == item[ORDER] and not replace_equal)):
            return False
        self.items[item["pk"], item["sk"]] = item
        return True


def created(key: str, *, bucket: str = "uploads", order: str = "1", size: int | None = None) -> ObjectEvent:
    """An event that says that there is a new object."""
    return ObjectEvent("ObjectCreated:Put", bucket, key, size, None, order)
