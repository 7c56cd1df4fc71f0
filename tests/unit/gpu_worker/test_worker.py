"""What becomes of jobs: through the whole loop, with stand-ins for all that is outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from gpu_worker.draining import Draining
from gpu_worker.holding import Holding
from gpu_worker.photos import PhotoReader
from gpu_worker.ports import Surroundings
from gpu_worker.settling import Settling
from gpu_worker.sizing import BatchLimits
from gpu_worker.supply import Supply
from gpu_worker.worker import Worker
from model_store.heatmap_items import HeatmapOrigin, heatmap_item, stored_heatmap
from model_store.heatmap_scales import SharedScales
from model_store.heatmaps.jobs import HeatmapJob
from model_store.heatmaps.records import FailedHeatmap, HeatmapFailure, QueuedHeatmap
from model_store.images import DEFAULT_LIMITS
from model_store.items import Item, batch_item_key
from model_store.runtime.scoring import DecodedPhoto
from tests.unit.gpu_worker.fakes import (
    VITMEM,
    FakeCounters,
    FakeExplainers,
    FakeHeatmaps,
    FakeMachine,
    FakePhotos,
    FakeQueue,
    FakeTable,
    job,
    unknown,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEACH = "HEATMAP#beach.jpg#model.resmem#gradcam"


@dataclass
class Stage:
    """A worker and its surroundings; `run` does what the queue holds and drains the worker then."""

    queue: FakeQueue
    photos: FakePhotos = field(default_factory=FakePhotos)
    heatmaps: FakeHeatmaps = field(default_factory=FakeHeatmaps)
    table: FakeTable = field(default_factory=FakeTable)
    machine: FakeMachine = field(default_factory=FakeMachine)
    explainers: FakeExplainers = field(default_factory=FakeExplainers)
    counters: FakeCounters = field(default_factory=FakeCounters)
    limits: BatchLimits = field(default_factory=lambda: BatchLimits(8))

    def __post_init__(self) -> None:
        self.draining = Draining(self.machine, lambda: None)
        self.queue.on_empty = self._drain_when_all_is_done

    def run(self) -> None:
        surroundings = Surroundings(self.queue, self.machine, self.explainers, self.counters)
        holding = Holding(self.queue)
        reader = PhotoReader(self.photos, self.table, DEFAULT_LIMITS, timedelta(days=90), lambda: NOW)
        settling = Settling(self.queue, holding, self.heatmaps, self.table, reader, self.counters)
        supply = Supply(surroundings, holding, reader, settling, self.limits, self.draining)
        Worker(surroundings, supply, holding, settling, SharedScales(self.table), self.limits, self.draining).run()

    def ask(
        self,
        asked: HeatmapJob,
        object_version: str | None = None,
        order: str = "1",
        expires_at: Decimal = Decimal(77),
    ) -> None:
        """Writes the queued record."""
        record = QueuedHeatmap(
            file=asked.filename,
            subject=asked.subject,
            method=asked.method,
            request_id=str(asked.request_id),
            requested_at=NOW,
        )
        item = heatmap_item(asked.place, record, HeatmapOrigin(object_version, order, expires_at))
        assert self.table.put_unless_done(item)

    def heatmap(self) -> Item:
        """The item of the beach's heatmap."""
        (item,) = (item for (_, sort_key), item in self.table.items.items() if sort_key == BEACH)
        return item

    def failure(self) -> HeatmapFailure:
        """Why the beach has no heatmap."""
        stored = stored_heatmap(self.heatmap())
        assert stored
        assert isinstance(stored.record, FailedHeatmap)
        return stored.record.error

    def _drain_when_all_is_done(self) -> None:
        if not self.queue.in_flight and not self.queue.waiting:
            self.draining.begin("the queue is empty")


def test_a_job_becomes_objects_and_a_record_that_points_to_them() -> None:
    stage = Stage(FakeQueue([job(object_version="v1")]))
    stage.ask(job(), object_version="v1")
    stage.run()

    item = stage.heatmap()
    assert (item["sk"], item["status"]) == (BEACH, "done")
    assert stage.heatmaps.content == {item["overlay_key"]: b"overlay of beach.jpg, v1", item["map_key"]: b"map"}
    assert all(key.startswith("heatmaps/acme/spring/beach.jpg/model.resmem/gradcam/") for key in stage.heatmaps.content)
    assert (item["event_order"], item["expires_at"]) == ("1", 77), "as who asked has said"
    assert stage.queue.deleted == ["m0"]
    assert stage.counters.totals["HeatmapsDone"] == 1


def test_no_record_outlives_its_heatmap() -> None:
    stage = Stage(FakeQueue([job()]))
    stage.ask(job(), expires_at=Decimal(10**12))
    stage.run()

    assert stage.heatmap()["expires_at"] == (NOW + timedelta(days=90)).timestamp()


def test_a_job_that_nobody_recorded_expires_with_its_batch() -> None:
    stage = Stage(FakeQueue([job(), job(tenant="other")]))
    key = batch_item_key(job().place.upload.batch_key)
    stage.table.items[key["pk"], key["sk"]] = key | {"expires_at": Decimal(5), "status": "-"}
    stage.run()

    expiries = {item["expires_at"] for (_, sort_key), item in stage.table.items.items() if sort_key == BEACH}
    assert expiries == {5, Decimal(int((NOW + timedelta(days=90)).timestamp()))}


def test_jobs_that_are_in_hand_together_give_one_result() -> None:
    stage = Stage(FakeQueue([job()] * 3), limits=BatchLimits(1))
    stage.ask(job())
    stage.run()

    assert stage.table.writes[BEACH] == 2, "queued, then done"
    assert len(stage.queue.deleted) == 3


def test_a_job_that_is_done_is_not_done_again() -> None:
    first = Stage(FakeQueue([job()]))
    first.ask(job())
    first.run()
    late = Stage(FakeQueue([job()]), table=first.table)
    late.run()

    assert late.explainers.explainer.batches == []
    assert first.table.writes[BEACH] == 2, "queued, then done"
    assert len(late.queue.deleted) == 1


def test_500_jobs_of_one_tenant_do_not_starve_5_of_another() -> None:
    big = [job("big", f"big{number}") for number in range(19)]
    small = [job("small", f"small{number}") for number in range(5)]
    stage = Stage(FakeQueue([*big, *small, *(job("big", f"late{number}") for number in range(481))]))
    stage.run()

    first, second = stage.explainers.explainer.batches[:2]
    assert {name for name in first + second if name.startswith("small")} == {f"small{number}" for number in range(5)}
    assert stage.counters.totals["HeatmapsDone"] == 505


def test_memory_that_does_not_suffice_makes_batches_smaller() -> None:
    stage = Stage(FakeQueue([job(filename=f"{number}") for number in range(40)]))

    def exhaust(photos: Sequence[DecodedPhoto]) -> None:
        if len(photos) > 3:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    stage.explainers.explainer.on_explain = exhaust
    stage.run()

    sizes = [len(batch) for batch in stage.explainers.explainer.batches]
    assert stage.counters.totals["HeatmapsDone"] == 40
    assert stage.counters.totals["OutOfMemory"] <= 6, "of the batches that were in hand already"
    assert set(sizes[-8:]) <= {1, 2}


class TestScale:
    def test_photos_of_a_batch_share_that_of_the_first(self) -> None:
        stage = Stage(FakeQueue([job(filename="b"), job(filename="a longer name")]), limits=BatchLimits(1))
        stage.run()

        assert self.scales(stage) == {"b": Decimal("0.1"), "a longer name": Decimal("0.1")}

    def test_photos_that_are_computed_together_share_the_strongest(self) -> None:
        stage = Stage(FakeQueue([job(filename="b"), job(filename="a longer name"), job("other", "c")]))
        stage.run()

        assert self.scales(stage) == {"b": Decimal("1.3"), "a longer name": Decimal("1.3"), "c": Decimal("0.1")}

    def test_another_worker_takes_it_over(self) -> None:
        stage = Stage(FakeQueue([job(filename="b")]))
        key = job().place.scale_key
        stage.table.items[key["pk"], key["sk"]] = key | {"scale": Decimal("0.7"), "event_order": ""}
        stage.run()

        assert self.scales(stage) == {"b": Decimal("0.7")}

    def scales(self, stage: Stage) -> dict[str, Decimal]:
        heatmaps = [item for item in stage.table.items.values() if item["sk"].startswith("HEATMAP#")]
        return {item["file"]: item["scale"] for item in heatmaps}


class TestHopeless:
    def test_what_is_no_job_goes_to_the_failure_queue_with_a_reason(self) -> None:
        stage = Stage(FakeQueue(["no job", job().to_json().replace("gradcam", "tarot"), job()]))
        stage.run()

        assert set(stage.queue.refused) == {"m0", "m1"}
        assert "This is no heatmap job: body: Invalid JSON" in stage.queue.refused["m0"]
        assert "method: " in stage.queue.refused["m1"]
        assert stage.queue.deleted == ["m2"], "it costs no other job anything"

    @pytest.mark.parametrize(
        ("content", "code"),
        [(b"", "empty_file"), (b"not a photo", "unreadable_image"), (b"%PDF-1.7", "unsupported_format")],
    )
    def test_a_photo_that_cannot_be_read_gives_a_record_that_says_why(self, content: bytes, code: str) -> None:
        stage = Stage(FakeQueue([job()]), FakePhotos({"beach.jpg": content}))
        stage.ask(job())
        stage.run()

        assert stage.failure().code == code
        assert "beach.jpg" in stage.failure().message
        assert stage.queue.deleted == ["m0"]

    def test_a_photo_that_is_gone_is_said_to_be(self) -> None:
        stage = Stage(FakeQueue([job()]), FakePhotos({"beach.jpg": None}))
        stage.ask(job())
        stage.run()

        assert stage.failure().code == "missing_photo"

    def test_a_deleted_batch_is_forgotten(self) -> None:
        stage = Stage(FakeQueue([job()]), FakePhotos({"beach.jpg": None}))
        stage.run()

        assert not stage.table.items
        assert stage.queue.deleted == ["m0"]

    def test_a_batch_that_is_deleted_meanwhile_does_not_come_back(self) -> None:
        stage = Stage(FakeQueue([job()]))
        stage.ask(job())
        stage.heatmaps.on_write = lambda _key: stage.table.items.clear()
        stage.run()

        assert not stage.table.statuses()
        assert stage.queue.deleted == ["m0"]

    def test_a_subject_that_is_not_there_gives_a_record(self) -> None:
        asked = job(subject=VITMEM)
        stage = Stage(FakeQueue([asked, job()]), explainers=FakeExplainers({VITMEM: unknown(VITMEM)}))
        stage.run()

        assert stage.table.statuses() == {"HEATMAP#beach.jpg#model.vitmem#gradcam": "failed", BEACH: "done"}

    def test_a_method_that_cannot_explain_it_gives_a_record(self) -> None:
        stage = Stage(FakeQueue([job()]))

        def refuse(_photos: Sequence[DecodedPhoto]) -> None:
            raise unknown(job().subject)

        stage.explainers.explainer.on_explain = refuse
        stage.run()

        assert stage.failure().code == "unknown_subject"


class TestVersions:
    def test_the_version_that_was_asked_for_is_read(self) -> None:
        stage = Stage(FakeQueue([job(object_version="v2")]))
        stage.ask(job(), object_version="v2")
        stage.run()

        assert stage.photos.read_versions == ["v2"]
        assert stage.table.statuses() == {BEACH: "done"}

    def test_a_job_of_a_version_that_is_replaced_is_dropped(self) -> None:
        stage = Stage(FakeQueue([job(object_version="v1")]))
        stage.ask(job(), object_version="v2")
        stage.run()

        assert stage.table.statuses() == {BEACH: "queued"}
        assert stage.queue.deleted == ["m0"]

    def test_a_version_that_comes_meanwhile_is_not_overwritten(self) -> None:
        stage = Stage(FakeQueue([job(object_version="v1")]))
        stage.ask(job(), object_version="v1", order="1")
        stage.heatmaps.on_write = lambda _key: stage.ask(job(), object_version="v2", order="2")
        stage.run()

        item = stage.heatmap()
        assert (item["status"], item["object_version"]) == ("queued", "v2")

    def test_the_objects_of_a_version_that_is_done_meanwhile_are_not_overwritten(self) -> None:
        late = Stage(FakeQueue([job(object_version="v1")]))
        late.ask(job(), object_version="v1", order="1")
        fast = Stage(FakeQueue([job(object_version="v2")]), heatmaps=late.heatmaps, table=late.table)

        def be_overtaken(_key: str) -> None:
            late.heatmaps.on_write = lambda _key: None
            fast.ask(job(), object_version="v2", order="2")
            fast.run()

        late.heatmaps.on_write = be_overtaken
        late.run()

        item = late.heatmap()
        assert (item["status"], item["object_version"]) == ("done", "v2")
        assert late.heatmaps.content[item["overlay_key"]] == b"overlay of beach.jpg, v2"
        assert (late.queue.deleted, fast.queue.deleted) == (["m0"], ["m0"])


class TestFaults:
    def test_a_fault_that_passes_costs_a_try_and_a_pause(self) -> None:
        stage = Stage(FakeQueue([job()]))
        stage.ask(job())
        troubles = [OSError("S3 does not answer")]

        def trouble(_key: str) -> None:
            if troubles:
                raise troubles.pop()

        stage.heatmaps.on_write = trouble
        stage.run()

        assert stage.table.statuses() == {BEACH: "done"}
        assert stage.queue.pauses == [5]

    def test_a_fault_that_stays_ends_in_the_failure_queue_and_in_the_record(self) -> None:
        stage = Stage(FakeQueue([job(), job(filename="other.jpg")], max_receives=3))
        stage.ask(job())

        def trouble(photos: Sequence[DecodedPhoto]) -> None:
            if any(photo.name == "beach.jpg" for photo in photos):
                raise ValueError("the network does not like beaches")

        stage.explainers.explainer.on_explain = trouble
        stage.run()

        assert stage.queue.refused == {"m0": "ValueError: the network does not like beaches"}
        assert stage.queue.pauses == [5, 10]
        assert stage.failure().code == "internal_error"
        assert stage.queue.deleted == ["m1"], "the other one of the batch is done"

    def test_models_that_cannot_be_loaded_are_tried_again(self) -> None:
        stage = Stage(FakeQueue([job()]))
        stage.ask(job())
        stage.explainers.special[job().subject] = OSError("the volume is gone")
        stage.machine.protect = lambda *, busy: (  # type: ignore[method-assign]
            stage.explainers.special.clear() if stage.queue.pauses else None
        )
        stage.run()

        assert stage.table.statuses() == {BEACH: "done"}


class TestDraining:
    def test_jobs_in_hand_are_left_to_others(self) -> None:
        stage = Stage(FakeQueue([job(filename=f"{number}") for number in range(40)]))
        stage.explainers.explainer.on_explain = lambda _photos: stage.draining.begin("SIGTERM")
        stage.run()

        done = stage.counters.totals["HeatmapsDone"]
        assert done == 8, "what was on the device is finished"
        assert len(stage.queue.waiting) == 40 - done
        assert set(stage.queue.pauses) == {0}
        assert not stage.queue.in_flight

    def test_a_drained_worker_takes_nothing(self) -> None:
        stage = Stage(FakeQueue([job()]))
        stage.draining.begin("SIGTERM")
        stage.run()

        assert [found.receives for found in stage.queue.waiting] == [1]

    def test_only_a_busy_worker_is_protected(self) -> None:
        stage = Stage(FakeQueue([job()]))
        stage.run()

        assert stage.machine.busy[0] is True
        assert stage.machine.busy[-1] is False


def test_a_queue_in_trouble_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_worker.supply.PAUSE_SECONDS", 0.01)
    stage = Stage(FakeQueue([job()]))
    calm = stage.queue.receive
    troubles = [OSError("SQS does not answer")] * 2

    def receive(limit: int, wait_seconds: int) -> list[object]:
        if troubles:
            raise troubles.pop()
        return list(calm(limit, wait_seconds))

    stage.queue.receive = receive  # type: ignore[method-assign,assignment]
    stage.run()

    assert stage.queue.deleted == ["m0"]
