"""Grad-CAM by an ensemble that is loaded for scoring: its own executables, and no import of JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from model_store.heatmaps.frames import Frame
from model_store.heatmaps.maps import PhotoMap, average
from model_store.images import Preprocessing
from model_store.runtime.ensembles import LoadedEnsemble, Pixels
from model_store.runtime.loading import LoadedModel
from model_store.store import Measure


@dataclass(frozen=True)
class MeasureMaps:
    """Maps of a batch of photos for one measure.

    Attributes:
        members: whose maps were averaged, as `name@version`.
        maps: of each photo.
    """

    members: tuple[str, ...]
    maps: tuple[PhotoMap, ...]


def explain_measures(ensemble: LoadedEnsemble, photos: Sequence[Pixels]) -> dict[Measure, MeasureMaps]:
    """Maps for every measure of which Grad-CAM explains a member; heads over other networks are left out.

    Args:
        ensemble: a model that several measures share is explained once.
        photos: at least one, each cut in every way that the ensemble wants.

    Raises:
        ExecutableError: a member was compiled without Grad-CAM.
    """
    explainable = {ref: model for ref, model in ensemble.models.items() if model.programs.gradcam}
    measures = {
        measure: tuple(member for member in definition.members if member in explainable)
        for measure, definition in ensemble.spec.measures.items()
    }
    asked = {member for members in measures.values() for member in members}
    explained = {ref: _Explained.of(explainable[ref], photos) for ref in sorted(asked)}
    return {measure: _average(members, explained, len(photos)) for measure, members in measures.items() if members}


@dataclass(frozen=True)
class _Explained:
    """What one member says of a batch."""

    frame: Frame
    scores: Float[np.ndarray, " batch"]
    maps: Float[np.ndarray, "batch size size"]

    @classmethod
    def of(cls, model: LoadedModel, photos: Sequence[Pixels]) -> "_Explained":
        asked = model.manifest.preprocessing
        cut = Preprocessing(asked.resize, asked.crop)
        return cls(Frame.of(cut), *model.explain(np.stack([photo[cut] for photo in photos])))


def _average(members: tuple[str, ...], explained: Mapping[str, _Explained], count: int) -> MeasureMaps:
    parts = [explained[member] for member in members]
    frames = [part.frame for part in parts]
    maps = (
        average([part.maps[index] for part in parts], [float(part.scores[index]) for part in parts], frames)
        for index in range(count)
    )
    return MeasureMaps(members, tuple(maps))
