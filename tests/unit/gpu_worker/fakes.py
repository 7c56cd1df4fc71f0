"""Stand-ins for queue, bucket, table, machine and models."""

import io
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from gpu_worker.ports import Explainer, Message, UnexplainableError
from model_store.heatmap_drawing import Heatmap
from model_store.heatmap_items import HEATMAP_SORT_KEYS, HeatmapOrigin, HeatmapPlace
from model_store.heatmaps.jobs import HeatmapJob
from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import DoneHeatmap, HeatmapFailure
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.images import Preprocessing
from model_store.items import ORDER, Item
from model_store.ports import MissingObjectError
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import Measure

RESMEM = HeatmapSubject.of_model("resmem")
VITMEM = HeatmapSubject.of_model("vitmem")


def job(
    tenant: str = "acme",
    filename: str = "beach.jpg",
    subject: HeatmapSubject = RESMEM,
    method: Method = Method.GRADCAM,
    object_version: str | None = None,
) -> HeatmapJob:
    return HeatmapJob(
        tenant=tenant,
        batch="spring",
        filename=filename,
        object_version=object_version,
        subject=subject,
        method=method,
        request_id=uuid.UUID(int=1),
    )


def message(body: str | HeatmapJob, number: int = 1, receives: int = 1) -> Message:
    text = body if isinstance(body, str) else body.to_json()
    return Message(message_id=f"m{number}", receipt=f"m{number}/{receives}", body=text, receives=receives)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((12, 16, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


JPEG = jpeg()


class FakeQueue:
    """A queue in memory that gives messages out in their order; `on_empty` is called when it has none."""

    def __init__(self, bodies: Sequence[str | HeatmapJob] = (), max_receives: int | None = 3) -> None:
        self.visibility_seconds = 120
        self.max_receives = max_receives
        self.waiting = [message(body, number) for number, body in enumerate(bodies)]
        self.in_flight: dict[str, Message] = {}
        self.deleted: list[str] = []
        self.refused: dict[str, str] = {}
        self.pauses: list[int] = []
        self.on_empty: Callable[[], object] = lambda: None

    def receive(self, limit: int, wait_seconds: int) -> list[Message]:
        assert 1 <= limit <= 10
        given, self.waiting = self.waiting[:limit], self.waiting[limit:]
        if not given:
            self.on_empty()
        self.in_flight |= {found.receipt: found for found in given}
        return given

    def hide(self, messages: Collection[Message], seconds: int) -> None:
        """What is hidden for less than the visibility timeout is given back; time passes at once."""
        for found in messages:
            if seconds < self.visibility_seconds:
                self.pauses.append(seconds)
                del self.in_flight[found.receipt]
                receives = found.receives + 1
                self.waiting.append(replace(found, receives=receives, receipt=f"{found.message_id}/{receives}"))

    def delete(self, found: Message) -> None:
        del self.in_flight[found.receipt]
        self.deleted.append(found.message_id)

    def refuse(self, found: Message, reason: str) -> None:
        del self.in_flight[found.receipt]
        self.refused[found.message_id] = reason


class FakePhotos:
    """A bucket in which every photo is there, but for those that are told otherwise."""

    def __init__(self, special: dict[str, bytes | None] | None = None) -> None:
        self.special = special or {}
        self.read_versions: list[str | None] = []

    def read(self, key: str, version_id: str | None, max_bytes: int) -> tuple[int, bytes]:
        self.read_versions.append(version_id)
        content = self.special.get(key.rpartition("/")[2], JPEG)
        if content is None:
            raise MissingObjectError(key)
        return len(content), content

    def chunks(self, key: str, version_id: str | None = None) -> Iterator[bytes]:
        yield self.read(key, version_id, len(JPEG))[1]


class FakeHeatmaps:
    """A bucket that is written to; `on_write` is called before every write."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.on_write: Callable[[str], object] = lambda _key: None

    def write(self, key: str, content: bytes, media_type: str) -> None:
        self.on_write(key)
        self.content[key] = content


class FakeTable:
    """The results table; `writes` counts what was written, by sort key."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.writes: Counter[str] = Counter()

    def get(self, key: Item) -> Item | None:
        return self.items.get((key["pk"], key["sk"]))

    def put_unless_done(self, item: Item, *, only_replace: bool = False) -> bool:
        present = self.get(item)
        if present is None and only_replace:
            return False
        if present and (
            present[ORDER] > item[ORDER] or (present[ORDER] == item[ORDER] and present["status"] == "done")
        ):
            return False
        self.items[item["pk"], item["sk"]] = item
        self.writes[item["sk"]] += 1
        return True

    def put_newer(self, item: Item, *, replace_equal: bool = False) -> bool:
        present = self.get(item)
        if present and (present[ORDER] > item[ORDER] or (present[ORDER] == item[ORDER] and not replace_equal)):
            return False
        self.items[item["pk"], item["sk"]] = item
        return True

    def statuses(self) -> dict[str, str]:
        """Of the heatmaps, by sort key."""
        return {key: item["status"] for (_, key), item in self.items.items() if key.startswith(HEATMAP_SORT_KEYS)}


class FakeMachine:
    """A machine that remembers what it was told."""

    def __init__(self) -> None:
        self.notice_given: str | None = None
        self.busy: list[bool] = []
        self.released = False

    def notice(self) -> str | None:
        return self.notice_given

    def protect(self, *, busy: bool) -> None:
        if self.busy[-1:] != [busy]:
            self.busy.append(busy)

    def release(self) -> None:
        self.released = True


class FakeCounters:
    """Counters whose sums can be read."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()

    def count(self, name: str, number: int = 1) -> None:
        self.totals[name] += number

    def seconds(self, name: str, seconds: float) -> None:
        self.totals[name] += 1

    def flush(self) -> None:
        """Nothing is kept back."""


class FakeExplainer:
    """Explains whatever it is given; `batches` holds the names of each batch, `on_explain` may raise.

    A map is a photo's name, and as strong as that name is long; its overlay says which version the photo was.
    """

    preprocessings = frozenset({Preprocessing(resize=18, crop=16)})

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.on_explain: Callable[[Sequence[DecodedPhoto]], object] = lambda _photos: None

    def explain(self, method: Method, photos: Sequence[DecodedPhoto]) -> Sequence[str]:
        self.batches.append([photo.name for photo in photos])
        self.on_explain(photos)
        return self.batches[-1]

    def scale(self, maps: Sequence[str]) -> float:
        return max(map(len, maps)) / 10

    def draw(
        self, computed: str, photo: DecodedPhoto, place: HeatmapPlace, origin: HeatmapOrigin, scale: float
    ) -> Heatmap:
        models = ("resmem@1",)
        keys = place.object_keys(origin, models)
        record = DoneHeatmap(
            file=photo.name,
            subject=place.subject,
            method=place.method,
            models=models,
            measure=Measure.HIT_RATE,
            score=0.8,
            width=photo.width,
            height=photo.height,
            overlay_key=keys.overlay,
            map_key=keys.map,
            scale=scale,
        )
        return Heatmap(record, f"overlay of {computed}, {origin.object_version}".encode(), b"map")


class FakeExplainers:
    """Every subject is explained by one explainer, but for those that are told otherwise."""

    def __init__(self, special: dict[HeatmapSubject, Exception] | None = None) -> None:
        self.explainer = FakeExplainer()
        self.special = special or {}

    def get(self, subject: HeatmapSubject) -> Explainer[str]:
        if error := self.special.get(subject):
            raise error
        return self.explainer


def unknown(subject: HeatmapSubject) -> UnexplainableError:
    return UnexplainableError(HeatmapFailure(code="unknown_subject", message=f"There is no {subject.slug}."))
