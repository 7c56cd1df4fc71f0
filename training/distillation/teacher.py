"""What a teacher says of photos: its scores, and the features that they follow from."""

from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float

from model_store.models.taps import Pooling, taps
from model_store.runtime.loading import load_model
from model_store.store import Manifest, ModelStore
from training.data import Dataset
from training.data.folds import Rows
from training.features.extraction import OnProgress, View, extract, require_trunks

_EDGE = 1e-4  # scores of 0 or 1 have no logit

type Matrix = Float[np.ndarray, "photos _"]


@dataclass(frozen=True)
class Lesson:
    """What a teacher says.

    Attributes:
        scores: between 0 and 1.
        features: of its last pooled layer; of several networks one behind the other.
    """

    scores: Float[np.ndarray, " photos"] = field(repr=False)
    features: Matrix = field(repr=False)


def ask(store: ModelStore, teacher: Manifest, dataset: Dataset, cache: Path, on_progress: OnProgress) -> Lesson:
    """Has a teacher look at every photo that is not in the cache yet.

    Args:
        store: holds it and, where it is heads, its trunks.
        teacher: a network, or heads over networks, whose score is the heads' mean.
        dataset: the photos.
        cache: folder for features.
        on_progress: told of photos that were seen.

    Raises:
        TrainingError: the network gives no features.
    """
    networks = require_trunks(store, teacher.trunks or (teacher.ref,))
    seen = [extract(store, network, dataset, cache, View.STANDARD, on_progress) for network in networks]
    features = [each.features[:, _last_layer(network)] for network, each in zip(networks, seen, strict=True)]
    if teacher.trunks:
        heads = load_model(store.path(teacher.ref), teacher)
        scores = heads.read([each.features for each in seen]).mean(axis=1)
    else:
        scores = seen[0].scores
    return Lesson(scores.astype(np.float64), np.concatenate(features, axis=1))


def _last_layer(network: Manifest) -> slice:
    """Where the last features lie that stand for the whole picture."""
    tapped = taps(network.architecture, network.architecture_settings)
    ends = pairwise(accumulate((tap.width for tap in tapped), initial=0))
    pooled = [slice(*end) for tap, end in zip(tapped, ends, strict=True) if tap.pooling in _WHOLE_PICTURE]
    return pooled[-1]


_WHOLE_PICTURE = (Pooling.MEAN, Pooling.CLASS_TOKEN)


@dataclass(frozen=True)
class Targets:
    """What a student learns, one row a photo: principal components of features, and last the score's logit.

    Components have the variance 1 together, and so has the logit, so that squared errors are shares of what there is to
    explain.

    Attributes:
        values: the targets.
        mean: of the logit, among the photos that are trained on.
        scale: likewise.
    """

    values: Float[np.ndarray, "photos targets"] = field(repr=False)
    mean: float
    scale: float

    @classmethod
    def of(cls, lesson: Lesson, train: Rows, components: int) -> "Targets":
        """The targets of a lesson; components, means and scales are those of the photos that are trained on."""
        logits = to_logits(lesson.scores)
        mean, scale = float(logits[train].mean()), float(max(logits[train].std(), 1e-6))
        centred = lesson.features - lesson.features[train].mean(axis=0)
        _, directions = np.linalg.eigh(np.cov(centred[train], rowvar=False))
        projected = centred @ directions[:, ::-1][:, : min(components, len(train))]
        projected /= max(np.sqrt(projected[train].var(axis=0).sum()), 1e-6)
        values = np.column_stack([projected, (logits - mean) / scale])
        return cls(values.astype(np.float32), mean, scale)


def to_logits(scores: Float[np.ndarray, " photos"]) -> Float[np.ndarray, " photos"]:
    """What a sigmoid makes these scores of."""
    inside = np.clip(scores, _EDGE, 1 - _EDGE)
    logits: Float[np.ndarray, " photos"] = np.log(inside / (1 - inside))
    return logits
