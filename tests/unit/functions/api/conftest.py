"""The API over fakes, and what there is in it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.api.app import Api
from functions.api.batches import Batches, Terms
from functions.api.catalogue import Catalogue
from functions.api.heatmaps import Heatmaps
from functions.api.photos import Photos
from functions.api.services import Services
from model_store.items import Origin, record_item
from model_store.records import FailedRecord, Failure, MeasureResult, ModelScore, ScoredRecord
from model_store.store import EnsembleMeasure, Measure, ModelStore
from model_store.uploads import UploadKey
from tests.http_api import Client, user
from tests.integration.calls import Context
from tests.unit.functions.api.fakes import FakeBatchTable, FakeClock, FakeJobQueue, FakeLinks, FakeObjects
from tests.unit.store.samples import REFERENCE, publish

MAX_BYTES = 25_000_000
RETENTION = timedelta(days=90)


@dataclass(frozen=True)
class World:
    """An API, a user of the tenant `acme`, and what is behind it."""

    client: Client
    table: FakeBatchTable
    objects: FakeObjects
    queue: FakeJobQueue
    clock: FakeClock
    store: ModelStore

    def batch(self, *names: str, **wishes: Any) -> str:
        """Makes a batch and returns its id."""
        answer = self.client.call("POST", "/batches", {"name": "Spring", "files": files(*names)} | wishes)
        assert answer.status == 201, answer.body
        return str(answer.json["batch"]["id"])

    def score(self, batch: str, name: str, score: float, **how: Any) -> None:
        """Has a photo scored."""
        self.keep(batch, name, scored(name, score, **how))

    def keep(self, batch: str, name: str, record: ScoredRecord | FailedRecord, version: str = "v1") -> None:
        """Keeps a photo's record, as the scorer does."""
        ensemble = record.ensemble.partition("@")[0] if isinstance(record, ScoredRecord) else "default"
        origin = Origin(version, f"order-{version}", self.clock.now)
        self.table.add(record_item(UploadKey("acme", batch, name), ensemble, record, origin, RETENTION))


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return make_store(tmp_path)


def make_store(folder: Path) -> ModelStore:
    """Models `resmem` (hit rate) and `alarms` (false-alarm rate), both in `default`, which `live` stands for."""
    store = ModelStore(folder / "store")
    publish(store)
    publish(store, name="alarms", measure=Measure.FALSE_ALARM_RATE)
    measures = {
        Measure.HIT_RATE: EnsembleMeasure(members=("resmem@1.0",), reference=REFERENCE),
        Measure.FALSE_ALARM_RATE: EnsembleMeasure(members=("alarms@1.0",)),
    }
    store.set_alias("live", store.publish_ensemble("default", measures).ref)
    return store


@pytest.fixture
def world(store: ModelStore) -> World:
    return build(store)


def build(store: ModelStore, *, has_workers: bool = True) -> World:
    """An API with nothing in it but models."""
    table, objects, queue, clock = FakeBatchTable(), FakeObjects(), FakeJobQueue(), FakeClock()
    catalogue, links = Catalogue(store, "live", clock=clock.seconds), FakeLinks()
    api = Api(
        Services(
            batches=Batches(table, links, objects, catalogue, Terms(RETENTION, MAX_BYTES), clock),
            photos=Photos(table, links, clock),
            heatmaps=Heatmaps(table, queue if has_workers else None, catalogue, clock),
            catalogue=catalogue,
        )
    )
    context: Any = Context()
    return World(user(lambda event: api.answer(event, context)), table, objects, queue, clock, store)


def files(*names: str) -> list[dict[str, Any]]:
    """Declarations of files."""
    return [{"name": name, "bytes": 1000, "type": "image/jpeg"} for name in names]


def scored(
    name: str, score: float, *, spread: float = 0.0, ensemble: str = "default@1", alarms: float | None = None
) -> ScoredRecord:
    """A record of a photo of 40 × 30 pixels."""
    measures = {Measure.HIT_RATE: result(score, spread, "resmem@1.0")}
    if alarms is not None:
        measures[Measure.FALSE_ALARM_RATE] = result(alarms, 0.0, "alarms@1.0")
    return ScoredRecord(file=name, width=40, height=30, ensemble=ensemble, measures=measures)


def result(score: float, spread: float, model: str) -> MeasureResult:
    return MeasureResult(score=score, percentile=50.0, spread=spread, models=(ModelScore(model=model, score=score),))


def failed(name: str) -> FailedRecord:
    message = f"{name} is empty (0 bytes); upload it again"
    return FailedRecord(
        file=name, error=Failure.model_validate({"code": "empty_file", "message": message}, strict=False)
    )
