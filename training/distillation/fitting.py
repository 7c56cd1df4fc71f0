"""The training of a student: updates, a look at the validation part after each epoch, and the best epoch is kept.

The state after an epoch depends on the settings, the photos and the number of the epoch alone; a checkpoint holds all
of it, and a training that was killed ends as it would have ended.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from training.distillation.network import READOUT, Flat, Looker, compiled, trained_paths
from training.distillation.photos import Parts
from training.distillation.readout import Readout
from training.distillation.settings import DistilSettings
from training.epochs import Epoch, best_epoch
from training.errors import TrainingError
from training.evaluation.metrics import spearman
from training.fine_tuning.batches import Crops, Order, centre_crops
from training.fine_tuning.checkpoints import Checkpoints

_FINAL_SHARE = 0.01  # of the peak learning rate, at the last update

OnStep = Callable[[int, int, float | None], object]
"""Called with the updates that are done, how many there are, and the seconds that are left, where that is known."""


@dataclass(frozen=True)
class Trained:
    """A student whose training has ended.

    Attributes:
        params: after the epoch with the lowest validation error, by path, with the readout.
        epochs: the beginning, which trained nothing, and all that were trained. Their errors are shares of what there
            is to explain; on the validation part, of the score's logit alone.
    """

    params: dict[str, np.ndarray] = field(repr=False)
    epochs: tuple[Epoch, ...]


@dataclass(frozen=True)
class _Moment:
    """A training after some epoch; all that a checkpoint holds."""

    params: dict[str, Any] = field(repr=False)
    optimiser: Any = field(repr=False)
    best: dict[str, Any] = field(repr=False)
    epochs: tuple[Epoch, ...]

    def arrays(self) -> dict[str, Any]:
        return {"params": self.params, "optimiser": self.optimiser, "best": self.best}

    def progress(self) -> dict[str, Any]:
        return {"epochs": [asdict(epoch) for epoch in self.epochs]}


class Trainer:
    """Trains a student.

    Args:
        looker: the student, and its photos.
        settings: of the distillation.
        targets: of all photos, the score's logit last.
        parts: of the photos.
    """

    def __init__(
        self,
        looker: Looker,
        settings: DistilSettings,
        targets: Float[np.ndarray, "photos targets"],
        parts: Parts,
    ) -> None:
        self._looker, self._settings = looker, settings
        self._targets, self._parts = targets, parts
        self._order = Order(parts.train, settings.batch, (settings.seed,))
        steps = max(settings.epochs, 1) * self._order.steps_per_epoch
        warmup = max(1, round(settings.warmup_share * steps))
        rate = optax.warmup_cosine_decay_schedule(
            0.0, settings.learning_rate, warmup, max(steps, warmup + 1), settings.learning_rate * _FINAL_SHARE
        )
        self._optimiser = optax.adam(rate)

    def train(self, initial: Flat, readout: Readout, folder: Path, on_step: OnStep) -> Trained:
        """Trains a student, from its newest checkpoint on where there is one.

        Args:
            initial: parameters by path to begin with.
            readout: to begin with.
            folder: for checkpoints.
            on_step: told of progress.

        Raises:
            TrainingError: the error is not finite any more.
        """
        params: dict[str, Any] = {f"{READOUT}/kernel": readout.kernel, f"{READOUT}/bias": readout.bias} | dict(initial)
        changed = trained_paths(params, self._settings.first_stage)
        kept = {path: jnp.asarray(value) for path, value in params.items() if path not in changed}
        start = {path: jnp.asarray(params[path]) for path in changed}
        update = compiled(self._make_update(kept))
        with Checkpoints(folder) as checkpoints:
            moment = self._last(checkpoints, start, kept)
            pace = _Pace(time.monotonic(), len(moment.epochs) - 1, on_step)
            while len(moment.epochs) <= self._settings.epochs:
                moment = self._train_epoch(moment, kept, update, pace)
                checkpoints.save(len(moment.epochs), moment.arrays(), moment.progress())
        best = sorted((kept | moment.best).items())  # in one order, whether or not it was read from a checkpoint
        return Trained({path: np.asarray(value) for path, value in best}, moment.epochs)

    def _last(self, checkpoints: Checkpoints, start: dict[str, Any], kept: dict[str, Any]) -> _Moment:
        moment = _Moment(start, self._optimiser.init(start), start, ())
        if restored := checkpoints.restore(jax.eval_shape(moment.arrays)):
            arrays, progress = restored
            epochs = tuple(Epoch(**epoch) for epoch in progress["epochs"])
            return _Moment(arrays["params"], arrays["optimiser"], arrays["best"], epochs)
        return replace(moment, epochs=(self._judge(start | kept, None),))

    def _train_epoch(self, moment: _Moment, kept: dict[str, Any], update: Callable[..., Any], pace: "_Pace") -> _Moment:
        per_epoch = self._order.steps_per_epoch
        first = (len(moment.epochs) - 1) * per_epoch
        params, optimiser, losses = moment.params, moment.optimiser, 0.0
        for step in range(first, first + per_epoch):
            params, optimiser, loss = update(params, optimiser, *self._batch(step))
            losses += float(loss)
            pace.tell(step + 1, self._settings.epochs * per_epoch, per_epoch)
        if not math.isfinite(losses):
            raise TrainingError("the error is not finite any more: lower the learning rate")
        epochs = (*moment.epochs, self._judge(params | kept, losses / per_epoch))
        best = params if best_epoch(epochs) == len(epochs) - 1 else moment.best
        return _Moment(params, optimiser, best, epochs)

    def _batch(self, step: int) -> tuple[Crops, Float[np.ndarray, "batch targets"]]:
        """What the teacher saw, as it saw it: mirrored or shifted by a few pixels, it says something else."""
        rows = self._order.rows_at(step)
        return centre_crops(self._looker.squares, rows, self._looker.preprocessing), self._targets[rows]

    def _judge(self, params: Flat, loss: float | None) -> Epoch:
        rows = self._parts.validation
        kernel, bias = (np.asarray(params[f"{READOUT}/{name}"])[..., -1] for name in ("kernel", "bias"))
        predicted = (self._looker(params, rows) @ kernel + bias).astype(np.float64)
        wanted = self._targets[rows, -1].astype(np.float64)
        return Epoch(loss, float(np.mean((predicted - wanted) ** 2)), spearman(predicted, wanted))

    def _make_update(self, kept: dict[str, Any]) -> Callable[..., Any]:
        weight, network, optimiser = self._settings.features_weight, self._looker.network, self._optimiser

        def error(params: Flat, images: Crops, targets: Float[Array, "batch targets"]) -> Float[Array, ""]:
            errors = jnp.square(network(dict(params) | kept, images) - targets)
            return jnp.mean(errors[:, -1]) + weight * jnp.mean(errors[:, :-1].sum(axis=1))

        def update(
            params: Flat, state: Any, images: Crops, targets: Float[Array, "batch targets"]
        ) -> tuple[Flat, Any, Float[Array, ""]]:
            loss, gradients = jax.value_and_grad(error)(params, images, targets)
            changes, state = optimiser.update(gradients, state)
            return optax.apply_updates(params, changes), state, loss

        return update


@dataclass(frozen=True)
class _Pace:
    """Tells of progress, and of the seconds that are left at the pace of this run."""

    started: float
    epochs_before: int
    on_step: OnStep

    def tell(self, step: int, total: int, per_epoch: int) -> None:
        done = step - self.epochs_before * per_epoch
        self.on_step(step, total, (time.monotonic() - self.started) / done * (total - step))
