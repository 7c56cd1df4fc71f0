"""What the server tells Prometheus."""

from collections.abc import Callable
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from model_store.records import FailedRecord, ScoredRecord
from model_store.runtime.executables import BATCH_SIZES

# From a warm network on a large machine to the 60 s after which SageMaker gives a request up.
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 40, 60)


@final
class ServingMetrics:
    """Counters, gauges and histograms of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

        self._requests = Counter(
            "memorability_requests", "Requests answered.", ["path", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "memorability_request_seconds",
            "From a request's head to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._photos = Counter(
            "memorability_photos",
            "Photos answered; outcome is `scored` or the error's code.",
            ["outcome"],
            registry=self._registry,
        )
        self._batch_photos = Histogram(
            "memorability_batch_photos",
            "Photos that the networks were given at a time.",
            buckets=(*BATCH_SIZES, float("inf")),
            registry=self._registry,
        )
        self._model_seconds = Counter(
            "memorability_model_seconds", "Time spent in the networks.", registry=self._registry
        )
        self._waiting = Gauge(
            "memorability_waiting_photos", "Photos accepted and not answered yet.", registry=self._registry
        )
        self._loaded = Gauge(
            "memorability_ensemble_loaded", "1 for the ensemble that serves.", ["ensemble"], registry=self._registry
        )
        self._refusals = Counter(
            "memorability_ensemble_refusals",
            "Look-ups that found a version that cannot be served.",
            registry=self._registry,
        )

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Counts a request that was answered."""
        self._requests.labels(path, status).inc()
        self._request_seconds.labels(path).observe(seconds)

    def count_photo(self, record: ScoredRecord | FailedRecord) -> None:
        """Counts a photo that was answered."""
        self._photos.labels(record.error.code if isinstance(record, FailedRecord) else record.status).inc()

    def count_batch(self, photos: int, seconds: float) -> None:
        """Counts what the networks did at a time."""
        self._batch_photos.observe(photos)
        self._model_seconds.inc(seconds)

    def watch_waiting(self, count: Callable[[], float]) -> None:
        """Asks for the number of waiting photos whenever somebody asks for the metrics."""
        self._waiting.set_function(count)

    def set_ensemble(self, ref: str) -> None:
        """Names the ensemble that serves from now on."""
        self._loaded.clear()
        self._loaded.labels(ref).set(1)

    def count_refusal(self) -> None:
        """Counts a version that cannot be served."""
        self._refusals.inc()

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
