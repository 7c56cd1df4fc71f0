"""Ensembles for a process that serves for as long as it lives: loaded once, followed when an alias moves."""

import logging
import time
from collections.abc import Callable
from typing import final

from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble
from model_store.runtime.following import REFRESH_SECONDS, RETRY_SECONDS, Follower, OnRefusal
from model_store.store import ModelStore

__all__ = ["MAX_ENSEMBLES", "REFRESH_SECONDS", "RETRY_SECONDS", "EnsembleServer", "OnLoad", "OnRefusal"]

logger = logging.getLogger(__name__)

# More than anybody asks for at a time; a process that serves many names must not collect them all.
MAX_ENSEMBLES = 4

OnLoad = Callable[[LoadedEnsemble, float], None]
"""Called with an ensemble that was loaded and the seconds it took."""


@final
class EnsembleServer:
    """Keeps ensembles loaded, as `Follower` says; a new version shares with the others the models in common."""

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
        self._ensembles: Follower[str, EnsembleSpec, LoadedEnsemble] = Follower(
            self._resolve, self._load, most=MAX_ENSEMBLES, on_refusal=on_refusal, clock=clock
        )

    def get(self, ref: str) -> LoadedEnsemble:
        """The ensemble that an alias, a name or `name@version` stands for, loaded; waits for who is loading.

        Raises:
            StoreError: there is none, it cannot be read, or it is not as published; only where nothing was loaded
                under this reference before.
        """
        return self._ensembles.get(ref)

    def _resolve(self, ref: str) -> EnsembleSpec:
        return EnsembleSpec.of_ensemble(self._store, ref)

    def _load(self, spec: EnsembleSpec) -> LoadedEnsemble:
        start = time.perf_counter()
        models = {ref: model for ensemble in self._ensembles.values() for ref, model in ensemble.models.items()}
        ensemble = spec.load(models)
        seconds = time.perf_counter() - start
        logger.info("%s is loaded after %.2f s", spec.ref, seconds)
        self._on_load(ensemble, seconds)
        return ensemble
