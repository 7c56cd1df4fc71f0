"""The training of one network: updates, a look at the validation part after each epoch, and an end in good time.

The state after a step depends on the settings, the photos and the number of the step alone; a checkpoint holds all of
it. A training that was killed ends as it would have ended.
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
from jaxtyping import Float

from model_store.images import Preprocessing
from model_store.models.checkpoints import flatten, unflatten
from training.data.folds import Rows
from training.epochs import Epoch, best_epoch
from training.errors import InterruptedTrainingError, TrainingError
from training.evaluation.metrics import Values, spearman
from training.fine_tuning.batches import Batches, Order, centre_crops
from training.fine_tuning.checkpoints import Checkpoints
from training.fine_tuning.network import Network, Params
from training.fine_tuning.optimisation import TrainState, learning_rates, make_optimiser, make_update
from training.fine_tuning.settings import ComputePrecision, FineTuneSettings
from training.fine_tuning.squares import Squares
from training.fine_tuning.stages import Stage

OnStep = Callable[[int, int], object]
"""Called with the updates that are done, and how many there can be at most."""


@dataclass(frozen=True)
class Photos:
    """What networks are trained on.

    Attributes:
        squares: of which crops are cut.
        scores: of people.
        preprocessing: how a photo is cut where the network is served.
    """

    squares: Squares = field(repr=False)
    scores: Values = field(repr=False)
    preprocessing: Preprocessing


@dataclass(frozen=True)
class Trained:
    """A network whose training has ended.

    Attributes:
        params: after the epoch with the lowest error on the validation part; of the beginning where none was better.
        epochs: the beginning, which trained nothing, and all that were trained.
    """

    params: Params = field(repr=False)
    epochs: tuple[Epoch, ...]

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """By path, on the host."""
        return {path: np.asarray(value) for path, value in flatten(self.params)}


@dataclass(frozen=True)
class _Moment:
    """A training after some step; all that a checkpoint holds."""

    step: int
    state: TrainState = field(repr=False)
    best: Params = field(repr=False)
    losses: float
    epochs: tuple[Epoch, ...]

    def arrays(self) -> dict[str, Any]:
        return {"params": self.state.params, "optimiser": self.state.optimiser, "best": self.best}

    def progress(self) -> dict[str, Any]:
        return {"step": self.step, "losses": self.losses, "epochs": [asdict(epoch) for epoch in self.epochs]}

    @classmethod
    def of(cls, arrays: dict[str, Any], progress: dict[str, Any]) -> "_Moment":
        epochs = tuple(Epoch(**epoch) for epoch in progress["epochs"])
        state = TrainState(arrays["params"], arrays["optimiser"])
        return cls(progress["step"], state, arrays["best"], progress["losses"], epochs)


class Trainer:
    """Trains a network on different parts of the same photos; compiled once.

    Args:
        network: see there.
        settings: of the run.
        photos: all of them.
        should_stop: asked after each update.
    """

    def __init__(
        self,
        network: Network,
        settings: FineTuneSettings,
        photos: Photos,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings, self._photos, self._should_stop = settings, photos, should_stop
        self._optimiser = make_optimiser(settings)
        self._update = make_update(network, self._optimiser, settings.accumulate)
        self._scores = jax.jit(replace(network, precision=ComputePrecision.FLOAT32))

    def predict(self, params: Params, rows: Rows) -> Float[np.ndarray, " rows"]:
        """Scores of photos cut as they are where the network is served, in float32 whatever it is trained in."""
        part = self._settings.batch // self._settings.accumulate
        predicted = []
        for start in range(0, len(rows), part):
            wanted = rows[start : start + part]
            padded = np.resize(wanted, part)  # one shape, compiled once
            crops = centre_crops(self._photos.squares, padded, self._photos.preprocessing)
            with jax.default_matmul_precision("float32"):  # GPUs take fewer bits otherwise
                predicted.append(np.asarray(self._scores(params, crops), np.float64)[: len(wanted)])
        return np.concatenate([np.empty(0), *predicted])

    def train(self, stage: Stage, initial: dict[str, np.ndarray], folder: Path, on_step: OnStep) -> Trained:
        """Trains a network, from its newest checkpoint on where there is one.

        Args:
            stage: the photos' parts.
            initial: parameters by path to begin with.
            folder: for checkpoints.
            on_step: told of progress.

        Raises:
            TrainingError: the error is not finite any more.
            InterruptedTrainingError: it should stop.
        """
        photos, settings = self._photos, self._settings
        order = Order(stage.train, settings.batch, (settings.seed, *stage.name.encode()))
        batches = Batches(photos.squares, photos.scores, photos.preprocessing.crop, order)
        with Checkpoints(folder) as checkpoints:
            moment = self._last(stage, checkpoints, initial)
            moment = self._run(stage, batches, moment, checkpoints, on_step)
        return Trained(moment.best, moment.epochs)

    def _run(
        self, stage: Stage, batches: Batches, moment: _Moment, checkpoints: Checkpoints, on_step: OnStep
    ) -> _Moment:
        per_epoch = batches.order.steps_per_epoch
        n_steps = self._settings.epochs * per_epoch
        rates = learning_rates(self._settings, n_steps)
        batch, saved_at = batches.at(moment.step), time.monotonic()
        while not self._is_over(moment.epochs):
            state, loss = self._update(moment.state, *batch, jnp.float32(rates(moment.step)))
            batch = batches.at(moment.step + 1)  # while the device computes
            moment = replace(moment, step=moment.step + 1, state=state, losses=moment.losses + float(loss))
            if not math.isfinite(moment.losses):
                raise TrainingError(
                    f"{stage.name}: the error is not finite at step {moment.step}; lower learning rates"
                )
            if moment.step % per_epoch == 0:
                moment = self._end_epoch(stage, moment, per_epoch)
            on_step(moment.step, n_steps)
            stops = self._should_stop()
            if stops or self._is_over(moment.epochs) or self._is_due(saved_at):
                checkpoints.save(moment.step, moment.arrays(), moment.progress())
                saved_at = time.monotonic()
            if stops:
                raise InterruptedTrainingError(f"stopped in {stage.name} after {moment.step} of {n_steps} updates")
        return moment

    def _last(self, stage: Stage, checkpoints: Checkpoints, initial: dict[str, np.ndarray]) -> _Moment:
        start = jax.jit(self._start)
        tree = unflatten(initial)
        if restored := checkpoints.restore(jax.eval_shape(start, tree)):
            return _Moment.of(*restored)
        moment = _Moment.of(start(tree), {"step": 0, "losses": 0.0, "epochs": []})
        return replace(moment, epochs=(self._judge(stage, moment.state.params, None),))

    def _start(self, params: Params) -> dict[str, Any]:
        return {"params": params, "optimiser": self._optimiser.init(params), "best": jax.tree.map(jnp.copy, params)}

    def _end_epoch(self, stage: Stage, moment: _Moment, steps: int) -> _Moment:
        epochs = (*moment.epochs, self._judge(stage, moment.state.params, moment.losses / steps))
        is_best = best_epoch(epochs) == len(epochs) - 1
        best = jax.tree.map(jnp.copy, moment.state.params) if is_best else moment.best  # the next update reuses them
        return replace(moment, best=best, losses=0.0, epochs=epochs)

    def _judge(self, stage: Stage, params: Params, loss: float | None) -> Epoch:
        predicted, scores = self.predict(params, stage.validation), self._photos.scores[stage.validation]
        return Epoch(loss, float(np.mean((predicted - scores) ** 2)), spearman(predicted, scores))

    def _is_over(self, epochs: tuple[Epoch, ...]) -> bool:
        """Whether all epochs are trained, or the last ones in vain; early ones may be worse than the beginning."""
        _, *trained = epochs
        in_vain = len(trained) - 1 - best_epoch(trained) if trained else 0
        return len(trained) >= self._settings.epochs or in_vain >= self._settings.patience

    def _is_due(self, saved_at: float) -> bool:
        return time.monotonic() - saved_at >= 60 * self._settings.checkpoint_minutes
