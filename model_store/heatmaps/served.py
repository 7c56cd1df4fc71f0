"""A subject that is loaded for scoring: Grad-CAM by the executables it was published with, all else compiled on demand.

Compiling a network with its gradients, and the forward passes for what Grad-CAM compares with, take a process most of a
minute. Executables have both behind them.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, final

from model_store.heatmaps.explainers import SubjectExplainer, SubjectSpec
from model_store.heatmaps.explaining import DEFAULT_SETTINGS, Settings
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.previews import explain_measures
from model_store.heatmaps.records import Faithfulness
from model_store.images import Preprocessing
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble, Pixels
from model_store.runtime.executables import ExecutableError
from model_store.store import ModelStore


@final
@dataclass(frozen=True)
class ServedExplainer:
    """Explains as `SubjectExplainer` does, on a CPU.

    Attributes:
        spec: the subject.
        ensemble: its members, loaded for scoring.
    """

    spec: SubjectSpec
    ensemble: LoadedEnsemble = field(repr=False)

    @classmethod
    def load(cls, store: ModelStore, spec: SubjectSpec) -> Self:
        """Reads every member into memory.

        Raises:
            CorruptModelError: a member's files are not as published.
        """
        members = {spec.measure: spec.ensemble.measures[spec.measure]}
        return cls(spec, EnsembleSpec.of_measures(store, spec.ensemble.ref, members).load())

    @property
    def preprocessings(self) -> frozenset[Preprocessing]:
        """The distinct ways in which the networks want a photo cut."""
        return self.ensemble.spec.preprocessings

    def explain(
        self, photos: Sequence[Pixels], method: Method, settings: Settings = DEFAULT_SETTINGS
    ) -> list[PhotoMap]:
        """Maps of a batch of photos; arguments, results and errors are those of `SubjectExplainer.explain`."""
        if method is Method.GRADCAM:
            with suppress(ExecutableError):  # compiled by an earlier release, which had none for maps
                if maps := self._served_maps(photos):
                    return maps
        return self._compiled.explain(photos, method, settings)

    def explained_members(self, method: Method) -> tuple[str, ...]:
        """The members whose maps `explain` averages, as `name@version`."""
        members = self.spec.members
        marking = tuple(member for member in members if self.ensemble.models[member].programs.gradcam)
        return marking if method is Method.GRADCAM and marking else members

    def measure_faithfulness(self, photos: Sequence[Pixels], maps: Sequence[PhotoMap]) -> list[Faithfulness]:
        """How faithful maps of `explain` are; see `model_store.heatmaps.faithfulness`."""
        return self._compiled.measure_faithfulness(photos, maps)

    def _served_maps(self, photos: Sequence[Pixels]) -> list[PhotoMap]:
        """Empty where no member marks what Grad-CAM explains; the score is that of all members, explained or not."""
        found = explain_measures(self.ensemble, photos).get(self.spec.measure)
        if not found or found.members == self.spec.members:
            return list(found.maps) if found else []
        scored = self.ensemble.measure(photos)
        return [
            replace(photo_map, score=measures[self.spec.measure].score)
            for photo_map, measures in zip(found.maps, scored, strict=True)
        ]

    @cached_property
    def _compiled(self) -> SubjectExplainer:
        """The same networks for JAX, which share the memory of their parameters with the loaded ones."""
        networks = (Network.of_loaded(self.ensemble.models[member]) for member in self.spec.members)
        return SubjectExplainer(self.spec, tuple(networks))
