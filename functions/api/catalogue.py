"""Models and ensembles as the store on the volume describes them."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import final

from functions.api.callers import Caller
from functions.api.cursors import ANY_TEXT, Scope
from functions.api.problems import ProblemError, ProblemKind
from functions.api.responses import (
    EnsembleMeasureView,
    EnsemblesPage,
    EnsembleView,
    ModelsPage,
    ModelView,
    ReferencePhotos,
)
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.store import Ensemble, Manifest, ModelStore, NotFoundError, StoreError
from model_store.store.manifest import ReferenceDistribution

logger = logging.getLogger(__name__)

FRESH_SECONDS = 30.0  # as scorers do: an alias that was moved is noticed by then


@dataclass(frozen=True)
class _Listing:
    models: tuple[ModelView, ...]
    ensembles: tuple[EnsembleView, ...]


@final
class Catalogue:
    """What the store holds, read anew after half a minute."""

    def __init__(self, store: ModelStore, default_alias: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._default_alias = default_alias
        self._clock = clock
        self._listing: tuple[float, _Listing] | None = None

    def models(self, caller: Caller, limit: int, cursor: str | None) -> ModelsPage:
        """A page of models."""
        scope = Scope(caller.tenant, ("models",))
        page, following = _page(self._read().models, scope, limit, cursor)
        return ModelsPage(models=page, next_cursor=following)

    def ensembles(self, caller: Caller, limit: int, cursor: str | None) -> EnsemblesPage:
        """A page of ensembles."""
        scope = Scope(caller.tenant, ("ensembles",))
        page, following = _page(self._read().ensembles, scope, limit, cursor)
        return EnsemblesPage(ensembles=page, next_cursor=following)

    def ensemble_faults(self, refs: Sequence[str]) -> dict[int, str]:
        """Why a batch cannot be scored by all of some ensembles, by their positions."""
        return ensemble_faults(refs, self._ensemble_name)

    def subject_fault(self, subject: HeatmapSubject) -> str | None:
        """Why there can be no heatmap of a subject; None where there can."""
        if (model := subject.model) is not None:
            is_known = _look_up(lambda: self._store.manifest(model)) is not None
            return None if is_known else f"there is no model {model}; GET /models lists them"
        ref, measure = str(subject.ensemble), subject.measure
        if (ensemble := self._ensemble(ref)) is None:
            return _no_ensemble(ref)
        return None if measure in ensemble.measures else f"the ensemble {ref} has no measure {measure}"

    def _ensemble_name(self, ref: str) -> str | None:
        ensemble = self._ensemble(ref)
        return None if ensemble is None else ensemble.name

    def _ensemble(self, ref: str) -> Ensemble | None:
        return _look_up(lambda: self._store.ensemble(ref))

    def _read(self) -> _Listing:
        now = self._clock()
        if self._listing is None or now - self._listing[0] >= FRESH_SECONDS:
            try:
                self._listing = now, self._list()
            except StoreError as error:
                raise _unreadable(error) from error
        return self._listing[1]

    def _list(self) -> _Listing:
        manifests = {manifest.ref: manifest for manifest in self._store.models().items}
        aliases = self._store.aliases()
        ensembles = self._store.ensembles().items
        newest = {ensemble.name: ensemble.ref for ensemble in ensembles}
        shown = [ensemble for ensemble in ensembles if ensemble.ref in {*newest.values(), *aliases.values()}]
        default = aliases.get(self._default_alias)
        views = [
            _ensemble_view(
                ensemble,
                aliases=tuple(alias for alias, ref in aliases.items() if ref == ensemble.ref),
                is_default=ensemble.ref == default,
                commercial_use=_allow_commercial_use(ensemble, manifests),
            )
            for ensemble in shown
        ]
        return _Listing(tuple(map(_model_view, manifests.values())), tuple(views))


def ensemble_faults(refs: Sequence[str], name_of: Callable[[str], str | None]) -> dict[int, str]:
    """Why a batch cannot be scored by all of some ensembles, by their positions; a photo has one record a name.

    Args:
        refs: how the ensembles are asked for.
        name_of: tells the name of one that is asked for so; None where there is none.
    """
    faults: dict[int, str] = {}
    known: dict[str, str] = {}
    for position, ref in enumerate(refs):
        name = name_of(ref)
        if name is None:
            faults[position] = _no_ensemble(ref)
        elif (other := known.setdefault(name, ref)) != ref:
            faults[position] = f"{other} is the ensemble {name}, too; a batch gets one version of it"
    return faults


def _look_up[Thing](find: Callable[[], Thing]) -> Thing | None:
    """What the store has; None where it has no such thing."""
    try:
        return find()
    except NotFoundError:
        return None
    except StoreError as error:
        raise _unreadable(error) from error


def _unreadable(error: StoreError) -> ProblemError:
    logger.error("the store cannot be read: %s", error)
    return ProblemError(ProblemKind.UNAVAILABLE, "The models cannot be read at the moment; try again in a minute.")


def _no_ensemble(ref: str) -> str:
    return f"there is no ensemble {ref}; GET /ensembles lists them"


def _page[View: (ModelView, EnsembleView)](
    views: Sequence[View], scope: Scope, limit: int, cursor: str | None
) -> tuple[tuple[View, ...], str | None]:
    position = scope.read(cursor, ANY_TEXT)
    refs = [view.ref for view in views]
    start = refs.index(position[0]) + 1 if position and position[0] in refs else 0
    page = tuple(views[start : start + limit])
    return page, scope.write(page[-1].ref) if start + limit < len(views) else None


def _model_view(manifest: Manifest) -> ModelView:
    return ModelView(
        ref=manifest.ref,
        name=manifest.name,
        version=manifest.version,
        measure=manifest.measure,
        architecture=manifest.architecture,
        licence=manifest.licence,
        citation=manifest.citation,
        training_data=manifest.training_data,
        performance=manifest.performance,
        reference=_reference_photos(manifest.reference),
    )


def _ensemble_view(
    ensemble: Ensemble, aliases: tuple[str, ...], *, is_default: bool, commercial_use: bool
) -> EnsembleView:
    return EnsembleView(
        ref=ensemble.ref,
        name=ensemble.name,
        version=ensemble.version,
        created_at=ensemble.created_at,
        aliases=aliases,
        is_default=is_default,
        commercial_use=commercial_use,
        measures={
            measure: EnsembleMeasureView(members=described.members, reference=_reference_photos(described.reference))
            for measure, described in ensemble.measures.items()
        },
    )


def _allow_commercial_use(ensemble: Ensemble, manifests: dict[str, Manifest]) -> bool:
    members: Iterable[str] = map(str, ensemble.members)
    return all(member in manifests and manifests[member].licence.commercial_use for member in members)


def _reference_photos(reference: ReferenceDistribution | None) -> ReferencePhotos | None:
    if reference is None:
        return None
    return ReferencePhotos(n=reference.n, description=reference.description)
