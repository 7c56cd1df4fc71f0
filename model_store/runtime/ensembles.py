"""Ensembles in memory: what to load for a reference, and the measures of a batch of preprocessed photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import UInt8

from model_store.ensemble import combine
from model_store.images import Preprocessing
from model_store.records import MeasureResult, ModelPerformance
from model_store.runtime.loading import LoadedModel, load_model
from model_store.store import EnsembleMeasure, Manifest, Measure, ModelStore

type Pixels = Mapping[Preprocessing, UInt8[np.ndarray, "crop crop 3"]]


@dataclass(frozen=True)
class EnsembleSpec:
    """All that is known of an ensemble before its parameters are read.

    Attributes:
        ref: what records name it by, `name@version`.
        measures: members and reference distribution of each measure.
        manifests: by member, and of the trunks whose features members read.
        folders: where the files of each of them lie.
    """

    ref: str
    measures: Mapping[Measure, EnsembleMeasure]
    manifests: Mapping[str, Manifest]
    folders: Mapping[str, Path]

    @classmethod
    def of_ensemble(cls, store: ModelStore, ref: str) -> "EnsembleSpec":
        """The ensemble that an alias, `name` or `name@version` stands for."""
        ensemble = store.ensemble(ref)
        return cls.of_measures(store, ensemble.ref, ensemble.measures)

    @classmethod
    def of_model(cls, store: ModelStore, ref: str) -> "EnsembleSpec":
        """One model on its own, with the reference distribution of its manifest."""
        manifest = store.manifest(ref)
        measure = EnsembleMeasure(members=(manifest.ref,), reference=manifest.reference)
        return cls.of_measures(store, manifest.ref, {manifest.measure: measure})

    @classmethod
    def of_measures(cls, store: ModelStore, ref: str, measures: Mapping[Measure, EnsembleMeasure]) -> "EnsembleSpec":
        """Members by measure, under a name of the caller's."""
        members = dict.fromkeys(member for measure in measures.values() for member in measure.members)
        manifests = {member: store.manifest(member) for member in members}
        trunks = {trunk: store.manifest(trunk) for manifest in manifests.values() for trunk in manifest.trunks}
        manifests |= trunks
        return cls(ref, measures, manifests, folders={model: store.path(model) for model in manifests})

    @property
    def name(self) -> str:
        """What `ref` has before the version."""
        return self.ref.partition("@")[0]

    @property
    def trunks(self) -> frozenset[str]:
        """The models whose features members read."""
        return frozenset(trunk for manifest in self.manifests.values() for trunk in manifest.trunks)

    @cached_property
    def performance(self) -> dict[str, ModelPerformance | None]:
        """By model, how well it was measured to agree; every record of a photo says it."""
        return {ref: ModelPerformance.of(manifest) for ref, manifest in self.manifests.items()}

    @property
    def preprocessings(self) -> frozenset[Preprocessing]:
        """The distinct ways in which the members want a photo cut."""
        return frozenset(_preprocessing(manifest) for manifest in self.manifests.values())

    def load(self, loaded: Mapping[str, LoadedModel] = MappingProxyType({})) -> "LoadedEnsemble":
        """Reads every member and trunk into memory.

        Args:
            loaded: models that are in memory already; a member among them is shared and not read again.

        Raises:
            CorruptModelError: a member's files are not as published.
        """
        models: dict[str, LoadedModel] = {}
        for ref in sorted(self.manifests, key=lambda ref: ref not in self.trunks):
            manifest, is_trunk = self.manifests[ref], ref in self.trunks
            trunks = tuple(models[trunk] for trunk in manifest.trunks)
            known = loaded.get(ref)
            if known and known.reads_from(trunks) and (known.programs.features or not is_trunk):
                models[ref] = known
            else:
                models[ref] = load_model(self.folders[ref], manifest, trunks=trunks, with_features=is_trunk)
        return LoadedEnsemble(self, {ref: models[ref] for ref in self.manifests})


@dataclass(frozen=True)
class LoadedEnsemble:
    """An ensemble that can score; every record it makes comes from one version of each member."""

    spec: EnsembleSpec
    models: Mapping[str, LoadedModel] = field(repr=False)

    def measure(self, photos: Sequence[Pixels]) -> list[dict[Measure, MeasureResult]]:
        """Measures of each photo; every member sees all photos in one go.

        Args:
            photos: at least one photo, each cut in every way of `spec.preprocessings`.
        """
        return [measures for (measures,) in measure_all([self], photos)]

    def combine(self, scores: Mapping[str, float | Sequence[float]]) -> dict[Measure, MeasureResult]:
        """Measures of one photo from its score by member, or from those of the member's heads."""
        spec = self.spec
        return {
            measure: combine({ref: scores[ref] for ref in asked.members}, asked.reference, spec.performance)
            for measure, asked in spec.measures.items()
        }


def measure_all(
    ensembles: Sequence[LoadedEnsemble], photos: Sequence[Pixels]
) -> list[list[dict[Measure, MeasureResult]]]:
    """Measures of each photo by each ensemble; a model that several of them share sees the photos once.

    Args:
        ensembles: at least one.
        photos: at least one, each cut in every way that any of the ensembles wants.

    Returns:
        By photo, then by ensemble.
    """
    scores = _score_all(ensembles, photos)
    by_photo = [{ref: values[index] for ref, values in scores.items()} for index in range(len(photos))]
    return [[ensemble.combine(photo_scores) for ensemble in ensembles] for photo_scores in by_photo]


def _score_all(
    ensembles: Sequence[LoadedEnsemble], photos: Sequence[Pixels]
) -> dict[str, Sequence[float] | Sequence[Sequence[float]]]:
    """Scores by model; heads read what their trunks see in the pass that scores the trunks."""
    models: dict[str, LoadedModel] = {}
    for ensemble in ensembles:
        for ref, model in ensemble.models.items():
            if ref not in models or model.gives_features:  # one that only scores cannot stand in for a trunk
                models[ref] = model
    manifests = {ref: manifest for ensemble in ensembles for ref, manifest in ensemble.spec.manifests.items()}
    trunks = frozenset[str]().union(*(ensemble.spec.trunks for ensemble in ensembles))
    seen = {ref: models[ref].see(_cut(photos, manifests[ref])) for ref in sorted(trunks)}
    scores: dict[str, Sequence[float] | Sequence[Sequence[float]]] = {}
    for ref, model in models.items():
        if ref in seen:
            scores[ref] = seen[ref][0].tolist()
        elif manifests[ref].trunks:
            scores[ref] = model.read([seen[trunk][1] for trunk in manifests[ref].trunks]).tolist()
        else:
            scores[ref] = model(_cut(photos, manifests[ref])).tolist()
    return scores


def _cut(photos: Sequence[Pixels], manifest: Manifest) -> UInt8[np.ndarray, "photos crop crop 3"]:
    cut = _preprocessing(manifest)
    return np.stack([photo[cut] for photo in photos])


def ensemble_measures(store: ModelStore, members: Sequence[str]) -> dict[Measure, EnsembleMeasure]:
    """Groups models by what they measure; a lone model of a measure brings its own reference distribution."""
    manifests = {manifest.ref: manifest for manifest in map(store.manifest, members)}
    grouped: dict[Measure, list[Manifest]] = {}
    for manifest in manifests.values():
        grouped.setdefault(manifest.measure, []).append(manifest)
    return {
        measure: EnsembleMeasure(
            members=tuple(manifest.ref for manifest in group),
            reference=group[0].reference if len(group) == 1 else None,
        )
        for measure, group in grouped.items()
    }


def _preprocessing(manifest: Manifest) -> Preprocessing:
    return Preprocessing(resize=manifest.preprocessing.resize, crop=manifest.preprocessing.crop)
