"""One scale for all heatmaps of a batch, subject and method, whichever worker draws them, and when."""

from collections import OrderedDict
from decimal import Decimal
from threading import Lock
from typing import Any, final

from model_store.heatmap_items import HeatmapPlace
from model_store.items import ORDER
from model_store.ports import ItemTable

_REMEMBERED = 1000  # batches; of others, the table is asked again


@final
class SharedScales:
    """The scales that the table keeps; safe to use from several threads."""

    def __init__(self, table: ItemTable) -> None:
        self._table = table
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = Lock()

    def get(self, place: HeatmapPlace, proposed: float, expires_at: Decimal) -> float:
        """The scale of a heatmap's batch: the first that anybody proposed.

        Args:
            place: the heatmap's.
            proposed: the scale of what is drawn now.
            expires_at: when the table forgets it, in seconds since 1970.
        """
        key = place.scale_key
        with self._lock:
            name = (key["pk"], key["sk"])
            if name not in self._known:
                self._known[name] = self._agree(key, proposed, expires_at)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
            return self._known[name]

    def _agree(self, key: dict[str, Any], proposed: float, expires_at: Decimal) -> float:
        # As others will read it: a number of DynamoDB, with a float's shortest digits.
        item = key | {"scale": Decimal(repr(proposed)), ORDER: "", "expires_at": expires_at}
        if found := self._table.get(key):
            return float(found["scale"])
        if self._table.put_newer(item):
            return proposed
        found = self._table.get(key)  # somebody was faster; None only where the batch was deleted just now
        return float(found["scale"]) if found else proposed
