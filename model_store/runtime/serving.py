"""Ensembles for a process that serves for as long as it lives: loaded once, followed when an alias moves."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import final

from model_store.records import FailedRecord, MeasureResult, ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble, measure_all
from model_store.runtime.loading import LoadedModel
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import Measure, ModelStore

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0
# A version that could not be loaded is not read again with every look at the alias: that is 0.2 GB for ResMem.
RETRY_SECONDS = 300.0
# More than anybody asks for at a time; a process that serves many names must not collect them all.
MAX_ENSEMBLES = 4

OnLoad = Callable[[LoadedEnsemble, float], None]
"""Called with an ensemble that was loaded and the seconds it took."""

OnRefusal = Callable[[str, Exception], None]
"""Called with the ensemble (`name@version`) that goes on serving, and why the one that was asked for does not."""


@dataclass(frozen=True)
class _Refusal:
    """A version that could not be loaded, why, and when it is tried again."""

    ref: str
    error: Exception
    retry_at: float


@dataclass(frozen=True)
class _Served:
    """What stands behind a reference, and what should but cannot."""

    ensemble: LoadedEnsemble
    looked_up_at: float
    refusal: _Refusal | None = None


@final
class EnsembleServer:
    """Keeps ensembles loaded, by the references they are asked for; safe to use from several threads.

    An alias is looked up again after 30 s at the earliest, when it is asked for. A new version is loaded beside the
    old one, with which it shares the models they have in common, and takes its place whole: whoever has got an
    ensemble finishes with it. Where the new version cannot be loaded, the old one goes on serving. The
    ensembles that were asked for least recently are dropped when there are more than `MAX_ENSEMBLES`.
    """

    def __init__(
        self,
        store: ModelStore,
        *,
        on_load: OnLoad = lambda _ensemble, _seconds: None,
        on_refusal: OnRefusal = lambda _serving, _error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Names the store; nothing is loaded before it is asked for.

        Args:
            store: where the ensembles are published.
            on_load: told of every ensemble that was loaded.
            on_refusal: told, at every look-up, of a version that cannot be served.
            clock: seconds that only grow.
        """
        self._store = store
        self._on_load = on_load
        self._on_refusal = on_refusal
        self._clock = clock
        self._lock = Lock()
        self._served: dict[str, _Served] = {}

    def get(self, ref: str) -> LoadedEnsemble:
        """The ensemble that an alias, a name or `name@version` stands for, loaded; waits for who is loading.

        Raises:
            StoreError: there is none, it cannot be read, or it is not as published; only where nothing was loaded
                under this reference before.
        """
        with self._lock:
            served = self._served.get(ref)
            if served is None:
                served = _Served(self._load(EnsembleSpec.of_ensemble(self._store, ref)), self._clock())
            elif self._clock() - served.looked_up_at >= REFRESH_SECONDS:
                served = self._refresh(ref, served)
            self._keep(ref, served)
            return served.ensemble

    def _refresh(self, ref: str, served: _Served) -> _Served:
        served = replace(served, looked_up_at=self._clock())
        try:
            spec = EnsembleSpec.of_ensemble(self._store, ref)
        except Exception as error:  # whatever a volume in trouble raises, what is in memory can serve
            return self._refuse(served, _Refusal(ref, error, retry_at=0))
        if spec.ref == served.ensemble.spec.ref:
            return replace(served, refusal=None)
        if served.refusal and served.refusal.ref == spec.ref and self._clock() < served.refusal.retry_at:
            return self._refuse(served, served.refusal)
        try:
            return _Served(self._load(spec), self._clock())
        except Exception as error:  # likewise for whatever a broken version makes JAX raise
            return self._refuse(served, _Refusal(spec.ref, error, self._clock() + RETRY_SECONDS))

    def _refuse(self, served: _Served, refusal: _Refusal) -> _Served:
        serving = served.ensemble.spec.ref
        logger.error("%s cannot be served, so %s goes on: %s", refusal.ref, serving, refusal.error)
        self._on_refusal(serving, refusal.error)
        return replace(served, refusal=refusal)

    def _load(self, spec: EnsembleSpec) -> LoadedEnsemble:
        start = time.perf_counter()
        ensemble = spec.load(self._models())
        seconds = time.perf_counter() - start
        logger.info("%s is loaded after %.2f s", spec.ref, seconds)
        self._on_load(ensemble, seconds)
        return ensemble

    def _models(self) -> dict[str, LoadedModel]:
        return {ref: model for served in self._served.values() for ref, model in served.ensemble.models.items()}

    def _keep(self, ref: str, served: _Served) -> None:
        self._served.pop(ref, None)
        self._served[ref] = served  # behind all others, as the most recent
        while len(self._served) > MAX_ENSEMBLES:
            del self._served[next(iter(self._served))]


def score_with_all(
    ensembles: Sequence[LoadedEnsemble], outcomes: Sequence[DecodedPhoto | FailedRecord]
) -> list[dict[str, ScoredRecord | FailedRecord]]:
    """Scores a batch with several ensembles.

    Args:
        ensembles: at least one, each of another name.
        outcomes: photos cut in every way that the ensembles want, and records of those that could not be decoded.

    Returns:
        For each outcome its record by the name of the ensemble; a photo that failed fails for all of them.
    """
    decoded = [outcome for outcome in outcomes if isinstance(outcome, DecodedPhoto)]
    measured = iter(measure_all(ensembles, [photo.pixels for photo in decoded]) if decoded else [])
    return [
        _scored_records(ensembles, outcome, next(measured))
        if isinstance(outcome, DecodedPhoto)
        else {ensemble.spec.name: outcome for ensemble in ensembles}
        for outcome in outcomes
    ]


def _scored_records(
    ensembles: Sequence[LoadedEnsemble], photo: DecodedPhoto, measures: Sequence[Mapping[Measure, MeasureResult]]
) -> dict[str, ScoredRecord | FailedRecord]:
    return {
        ensemble.spec.name: ScoredRecord(
            file=photo.name, width=photo.width, height=photo.height, ensemble=ensemble.spec.ref, measures=measured
        )
        for ensemble, measured in zip(ensembles, measures, strict=True)
    }
