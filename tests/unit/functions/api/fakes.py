"""Stand-ins for the API's ports, in memory."""

import copy
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.api.ports import Form, IndexPage
from model_store.heatmaps.jobs import HeatmapJob
from model_store.items import ORDER, Item, partition_key
from model_store.uploads import BatchKey


class FakeClock:
    """The time, set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


class FakeBatchTable:
    """A table in memory that counts its reads.

    `before_replace` is called before every change of a batch; while it `is_busy`, others have in hand what is created.
    """

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.reads = 0
        self.is_busy = False
        self.before_replace: Callable[[], object] = lambda: None

    def add(self, item: Item) -> None:
        self.items[item["pk"], item["sk"]] = copy.deepcopy(item)

    def get(self, key: Item) -> Item | None:
        self.reads += 1
        return copy.deepcopy(self.items.get((key["pk"], key["sk"])))

    def partition(self, batch: BatchKey, attributes: Collection[str] | None = None) -> list[Item]:
        self.reads += 1
        found = [item for (pk, _), item in sorted(self.items.items()) if pk == partition_key(batch)]
        wanted = None if attributes is None else {*attributes, "pk", "sk"}
        return [
            {name: copy.deepcopy(value) for name, value in item.items() if wanted is None or name in wanted}
            for item in found
        ]

    def newest(self, tenant: str, limit: int, after: Item | None) -> IndexPage:
        self.reads += 1
        indexed = [item for item in self.items.values() if item.get("tenant") == tenant and "created_at" in item]
        ordered = sorted(indexed, key=_index_order, reverse=True)
        behind = [item for item in ordered if after is None or _index_order(item) < _index_order(after)]
        without_files = [{name: item[name] for name in item if name != "files"} for item in behind[:limit]]
        return IndexPage(without_files, len(behind) > limit)

    def create(self, *items: Item, now: datetime) -> bool:
        there = [self.items.get((item["pk"], item["sk"])) for item in items]
        if self.is_busy or any(item and item["expires_at"] > now.timestamp() for item in there):
            return False
        for item in items:
            self.add(item)
        return True

    def replace(self, item: Item, revision: int) -> bool:
        self.before_replace()
        there = self.items.get((item["pk"], item["sk"]))
        if there is None or there["revision"] != revision:
            return False
        self.add(item)
        return True

    def put_unless_done(self, item: Item) -> bool:
        there = self.items.get((item["pk"], item["sk"]))
        if there and (there[ORDER] > item[ORDER] or (there[ORDER] == item[ORDER] and there["status"] == "done")):
            return False
        self.add(item)
        return True

    def delete(self, keys: Sequence[Item]) -> None:
        for key in keys:
            self.items.pop((key["pk"], key["sk"]), None)


class FakeLinks:
    """Links that say what they are of."""

    def upload(self, key: str, n_bytes: int, media_type: str) -> Form:
        fields = {"key": key, "Content-Type": media_type, "bytes": str(n_bytes)}
        return Form("https://uploads.example/", fields, datetime(2026, 11, 22, 13, tzinfo=UTC))

    def photo(self, key: str) -> str:
        return f"https://uploads.example/{key}"

    def picture(self, key: str) -> str:
        return f"https://heatmaps.example/{key}"


class FakeObjects:
    """Notes which batches were removed; `failures` is how often that fails first."""

    def __init__(self) -> None:
        self.removed: list[BatchKey] = []
        self.failures = 0

    def remove(self, batch: BatchKey) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("S3 cannot be reached")
        self.removed.append(batch)


class FakeJobQueue:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.jobs: list[HeatmapJob] = []

    def send(self, jobs: Sequence[HeatmapJob]) -> None:
        self.jobs += jobs


def _index_order(item: Item) -> tuple[Any, ...]:
    return item["created_at"], item["pk"]
