"""From features and scores to heads: a penalty by cross-validation, bootstraps, calibration on held-out folds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from model_store.models import registry
from model_store.models.checkpoints import unflatten
from model_store.models.heads.names import CENTRES, ERROR, READOUT, projection_name
from model_store.models.precision import compact, widen
from training.data.folds import assign_folds, each_fold
from training.evaluation.metrics import spearman
from training.features.cache import Features
from training.heads.basis import Basis, fit_basis
from training.heads.ridge import fit_ridge, whiten
from training.heads.settings import HeadSettings

ARCHITECTURE = "heads"
# Of a normal distribution: standard deviation over mean absolute deviation.
_DEVIATION_OF_MEAN_ERROR = np.sqrt(np.pi / 2)

type Scores = Float[np.ndarray, " photos"]
type HeadScores = Float[np.ndarray, "photos heads"]


@dataclass(frozen=True)
class Photos:
    """What heads are fitted to.

    Attributes:
        features: of each trunk, which are what heads are served.
        mirrored: of each trunk, of the photos mirrored.
        tap_widths: how many of each trunk's features belong to each tap.
        scores: of people.
        groups: number that near-duplicates share.
    """

    features: tuple[Features, ...] = field(repr=False)
    mirrored: tuple[Features, ...] = field(repr=False)
    tap_widths: tuple[tuple[int, ...], ...]
    scores: Scores = field(repr=False)
    groups: tuple[int, ...] = field(repr=False)

    def take(self, rows: Sequence[int] | np.ndarray) -> "Photos":
        """Some of the photos."""
        features, mirrored = (tuple(f[rows] for f in view) for view in (self.features, self.mirrored))
        groups = tuple(self.groups[row] for row in rows)
        return Photos(features, mirrored, self.tap_widths, self.scores[rows], groups)


@dataclass(frozen=True)
class Selection:
    """How the inner cross-validation chose.

    Attributes:
        penalties: which there were.
        spearman: the rank correlation that each reached on held-out photos.
        chosen: the penalty that was taken.
    """

    penalties: tuple[float, ...]
    spearman: tuple[float, ...]
    chosen: float


@dataclass(frozen=True)
class TrainedHeads:
    """Heads that can predict.

    Attributes:
        settings: of the architecture `heads`.
        parameters: by path, float32.
        selection: of their penalty.
    """

    settings: Mapping[str, int]
    parameters: Mapping[str, np.ndarray] = field(repr=False)
    selection: Selection

    def predict(self, features: Sequence[Features]) -> HeadScores:
        """Scores of each head, computed by the module that serves them."""
        apply = _compiled(tuple(sorted(self.settings.items())))
        return np.asarray(apply({"params": unflatten(self.parameters)}, *features))

    def narrowed(self) -> dict[str, np.ndarray]:
        """The parameters as a compact version stores them."""
        return compact(self.parameters)

    def as_stored(self) -> "TrainedHeads":
        """The heads that a compact version serves."""
        wide = {path: np.asarray(value) for path, value in jax.jit(widen)(self.narrowed()).items()}
        return TrainedHeads(self.settings, wide, self.selection)


@cache
def _compiled(settings: tuple[tuple[str, int], ...]) -> Any:
    return jax.jit(registry.build(ARCHITECTURE, dict(settings)).apply)


@dataclass(frozen=True)
class _Readout:
    """Coefficients of the activations, and an intercept."""

    kernel: Float[np.ndarray, "landmarks *heads"]
    bias: Float[np.ndarray, "*heads"]


@dataclass(frozen=True)
class _Readouts:
    """Of the heads, and of what is left of the errors once the prediction has explained its part."""

    heads: _Readout
    error: _Readout


def fit_heads(photos: Photos, settings: HeadSettings, seed: int) -> TrainedHeads:
    """Fits heads to photos; repeated with the same seed on the same machine, it gives the same heads.

    Args:
        photos: all of them are trained on.
        settings: of the heads.
        seed: of landmarks, inner folds and bootstraps.
    """
    random = np.random.default_rng(seed)
    n_photos = len(photos.scores)
    rows = np.sort(random.permutation(n_photos)[: settings.landmarks])
    basis = fit_basis(photos.features, photos.mirrored, photos.tap_widths, rows, settings.components)
    activations = basis.activations_of_means(photos.features, photos.mirrored)
    whitened, back = (np.asarray(part) for part in whiten(activations, activations[rows]))
    served = basis.activations(photos.features) @ back
    held_out, selection = _select(whitened, served, photos, settings, random)
    slope, intercept = np.polyfit(held_out, photos.scores, 1)
    calibrated = slope * held_out + intercept
    error_trend = np.polyfit(calibrated, np.abs(photos.scores - calibrated), 1)
    unexplained = np.abs(photos.scores - calibrated) - np.polyval(error_trend, calibrated)
    weights = np.stack([_bootstrap(photos.groups, random) for _ in range(settings.heads)])
    readouts = _fit_readouts(whitened, photos.scores, unexplained, weights, selection.chosen, settings.error_penalty)
    heads = _Readout(back @ readouts.heads.kernel * slope, readouts.heads.bias * slope + intercept)
    error = _Readout(
        np.append(back @ readouts.error.kernel, error_trend[0])[:, None] * _DEVIATION_OF_MEAN_ERROR,
        (readouts.error.bias + error_trend[1]) * _DEVIATION_OF_MEAN_ERROR,
    )
    return TrainedHeads(_architecture(basis, heads), _parameters(basis, heads, error), selection)


def _select(
    whitened: Float[np.ndarray, "photos landmarks"],
    served: Float[np.ndarray, "photos landmarks"],
    photos: Photos,
    settings: HeadSettings,
    random: np.random.Generator,
) -> tuple[Scores, Selection]:
    """Held-out predictions under the best penalty, and how it was found.

    Args:
        whitened: activations that readouts are fitted to.
        served: the same activations for photos as they are served, not mirrored, which held-out photos are read by.
        photos: their scores and groups.
        settings: folds and penalties.
        random: of the folds.
    """
    folds = assign_folds(photos.groups, settings.inner_folds, random)
    masks = np.stack([folds != fold for fold in range(settings.inner_folds)]).astype(np.float32)
    penalties = np.array(settings.penalties, np.float32)
    n_folds = settings.inner_folds
    targets = np.tile(photos.scores.astype(np.float32), (n_folds, 1))
    fits = fit_ridge(whitened, targets, masks, np.tile(penalties, (n_folds, 1)))
    kernels, intercepts = (np.asarray(part) for part in fits)
    held_out = np.empty((len(penalties), len(folds)))
    for fold, (_, rows) in enumerate(each_fold(folds)):
        held_out[:, rows] = kernels[fold] @ served[rows].T + intercepts[fold][:, None]
    reached = tuple(spearman(predictions, photos.scores) for predictions in held_out)
    best = int(np.argmax(reached))
    return held_out[best], Selection(settings.penalties, reached, settings.penalties[best])


def _fit_readouts(
    whitened: Float[np.ndarray, "photos landmarks"],
    scores: Scores,
    errors: Scores,
    bootstraps: Float[np.ndarray, "heads photos"],
    penalty: float,
    error_penalty: float,
) -> _Readouts:
    """One readout a head, each from its own bootstrap, moved together so that their mean is the fit to all photos.

    The errors are fitted in the same program, to all photos.
    """
    n_heads, n_photos = bootstraps.shape
    everybody = np.ones((1, n_photos))
    targets = np.stack([scores] * (n_heads + 1) + [errors]).astype(np.float32)
    weights = np.concatenate([bootstraps, everybody, everybody]).astype(np.float32)
    penalties = np.array([[penalty]] * (n_heads + 1) + [[error_penalty]], np.float32)
    fits = fit_ridge(whitened, targets, weights, penalties)
    kernels, intercepts = (np.asarray(part)[:, 0] for part in fits)
    centred = kernels[:n_heads] - kernels[:n_heads].mean(axis=0) + kernels[n_heads]
    biases = intercepts[:n_heads] - intercepts[:n_heads].mean() + intercepts[n_heads]
    return _Readouts(_Readout(centred.T, biases), _Readout(kernels[-1], intercepts[-1:]))


def _bootstrap(groups: Sequence[int], random: np.random.Generator) -> Float[np.ndarray, " photos"]:
    """How often each photo is drawn; near-duplicates are drawn together."""
    values, members = np.unique(np.asarray(groups), return_inverse=True)
    drawn = np.bincount(random.integers(len(values), size=len(values)), minlength=len(values))
    return drawn[members].astype(np.float64)


def _architecture(basis: Basis, readout: _Readout) -> dict[str, int]:
    landmarks, components = basis.centres.shape
    return {
        "trunks": len(basis.kernels),
        "components": components,
        "landmarks": landmarks,
        "heads": len(readout.bias),
    }


def _parameters(basis: Basis, readout: _Readout, error: _Readout) -> dict[str, np.ndarray]:
    projections = {f"{projection_name(trunk)}/kernel": kernel for trunk, kernel in enumerate(basis.kernels)}
    named = projections | {
        f"{projection_name(0)}/bias": basis.bias,
        CENTRES: basis.centres,
        f"{READOUT}/kernel": readout.kernel,
        f"{READOUT}/bias": readout.bias,
        f"{ERROR}/kernel": error.kernel,
        f"{ERROR}/bias": error.bias,
    }
    return {path: np.ascontiguousarray(value, dtype=np.float32) for path, value in named.items()}
