"""A subject in memory: the networks whose mean score is explained, their maps and how faithful these are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import UInt8

from model_store.heatmaps.explaining import DEFAULT_SETTINGS, Settings, explain, score_images
from model_store.heatmaps.faithfulness import DEFAULT_CURVES, CurveSettings, measure_faithfulness
from model_store.heatmaps.maps import PhotoMap, average
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.records import Faithfulness
from model_store.heatmaps.subjects import HeatmapSubject, SubjectError
from model_store.images import Preprocessing
from model_store.runtime.ensembles import EnsembleSpec, Pixels
from model_store.store import Manifest, Measure, ModelStore

type LoadNetwork = Callable[[Path, Manifest], Network]
"""Gives the network of a version whose folder and manifest are named: `Network.load`, or one that keeps some."""


@dataclass(frozen=True)
class SubjectSpec:
    """What a subject stands for, before any parameters are read.

    Attributes:
        subject: as it was asked for.
        measure: what the score measures.
        members: the models whose mean score it is, as `name@version`.
        ensemble: them and where they lie; it may have members of other measures.
    """

    subject: HeatmapSubject
    measure: Measure
    members: tuple[str, ...]
    ensemble: EnsembleSpec = field(repr=False)

    @classmethod
    def of(cls, store: ModelStore, subject: HeatmapSubject) -> Self:
        """Looks a subject up.

        Raises:
            StoreError: there is no such model, alias or ensemble.
            SubjectError: the ensemble does not have that measure.
        """
        if subject.model:
            ensemble = EnsembleSpec.of_model(store, subject.model)
            (measure,) = ensemble.measures
        else:
            ensemble = EnsembleSpec.of_ensemble(store, str(subject.ensemble))
            measure = Measure(str(subject.measure))
        if measure not in ensemble.measures:
            raise SubjectError(f"{ensemble.ref} has no {measure}; it measures {', '.join(ensemble.measures)}")
        return cls(subject, measure, tuple(ensemble.measures[measure].members), ensemble)

    def load(self, load: LoadNetwork = Network.load) -> "SubjectExplainer":
        """Brings every member onto the device.

        Raises:
            CorruptModelError: a member's files are not as published.
        """
        networks = [load(self.ensemble.folders[ref], self.ensemble.manifests[ref]) for ref in self.members]
        return SubjectExplainer(self, tuple(networks))


@dataclass(frozen=True)
class SubjectExplainer:
    """A subject whose networks are on the device."""

    spec: SubjectSpec
    networks: tuple[Network, ...] = field(repr=False)

    @property
    def preprocessings(self) -> frozenset[Preprocessing]:
        """The distinct ways in which the networks want a photo cut."""
        return frozenset(network.preprocessing for network in self.networks)

    def explain(
        self, photos: Sequence[Pixels], method: Method, settings: Settings = DEFAULT_SETTINGS
    ) -> list[PhotoMap]:
        """Maps of a batch of photos, in one batch of that size on the device.

        Args:
            photos: at least one, each cut in every way of `preprocessings`.
            method: see docs/heatmaps.md.
            settings: of the methods.

        Grad-CAM leaves heads over other networks out of an ensemble's mean map; the score is still that of all.

        Raises:
            NoFeaturesError: Grad-CAM is asked for, and no network marks features.
            jax.errors.JaxRuntimeError: among others, the device's memory does not suffice: RESOURCE_EXHAUSTED.
        """
        batches = {network: _cut(network, photos) for network in self.networks}
        asked = self._explainable(method)
        explained = {network: explain(network, batches[network], method, settings) for network in asked}
        others = {network: score_images(network, batches[network]) for network in batches.keys() - explained.keys()}
        scores = np.stack([*(found.scores for found in explained.values()), *others.values()])
        frames = [network.frame for network in asked]
        return [
            average([found.maps[index] for found in explained.values()], scores[:, index].tolist(), frames)
            for index in range(len(photos))
        ]

    def explained_members(self, method: Method) -> tuple[str, ...]:
        """The members whose maps `explain` averages, as `name@version`."""
        return tuple(network.manifest.ref for network in self._explainable(method))

    def _explainable(self, method: Method) -> tuple[Network, ...]:
        """All networks, but for Grad-CAM those that are not heads; heads alone are left to say why they cannot be."""
        marking = tuple(network for network in self.networks if not network.manifest.trunks)
        return marking if method is Method.GRADCAM and marking else self.networks

    def measure_faithfulness(
        self, photos: Sequence[Pixels], maps: Sequence[PhotoMap], settings: CurveSettings = DEFAULT_CURVES
    ) -> list[Faithfulness]:
        """How faithful maps of `explain` are; see `model_store.heatmaps.faithfulness`."""
        values = [photo.values for photo in maps]
        return measure_faithfulness(self.networks, photos, values, maps[0].frame, settings)


def _cut(network: Network, photos: Sequence[Pixels]) -> UInt8[np.ndarray, "batch size size 3"]:
    return np.stack([photo[network.preprocessing] for photo in photos])
