"""The parts of fine-tuning alone: who sees which photos, what a batch is, and what an update does."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from model_store.images import ImageLimits, Preprocessing, decode
from model_store.models import registry
from model_store.models.checkpoints import unflatten
from tests.reference.seeded_vit import TINY
from tests.unit import tiny_models
from tests.unit.training.photos import write_dataset
from training.data import Example, Split, load_dataset
from training.data.examples import Line
from training.errors import TrainingError
from training.fine_tuning.batches import Batches, Order, centre_crops, random_crops
from training.fine_tuning.checkpoints import Checkpoints
from training.fine_tuning.network import HEAD, Network
from training.fine_tuning.optimisation import TrainState, learning_rates, make_optimiser, make_update
from training.fine_tuning.settings import ComputePrecision, FineTuneSettings, settings_for
from training.fine_tuning.squares import open_squares
from training.fine_tuning.stages import Stage, plan_stages

SQUARES = np.random.default_rng(0).integers(0, 256, (10, 18, 18, 3), dtype=np.uint8)
SCORES = np.linspace(0.3, 0.8, 10)
PREPROCESSING = Preprocessing(resize=18, crop=16)


def examples(splits: Sequence[Split | None], duplicates: list[int] | None = None) -> list[Example]:
    groups = duplicates or list(range(len(splits)))
    line = Line(Path("scores.csv"), 2)
    return [
        Example(str(row), Path(str(row)), 0.5, line, split=split, duplicates=groups[row])
        for row, split in enumerate(splits)
    ]


def rows_of(stage: Stage) -> list[set[int]]:
    return [set(part.tolist()) for part in (stage.train, stage.validation, stage.measured)]


def tiny_network(precision: ComputePrecision = ComputePrecision.FLOAT32) -> tuple[Network, dict[str, Any]]:
    return Network(registry.build("vitmem", asdict(TINY)), precision), unflatten(tiny_models.parameters(8))


def batches(rows: list[int], batch: int, seed: int = 0) -> Batches:
    return Batches(SQUARES, SCORES, 16, Order(np.array(rows), batch, (seed,)))


class TestStages:
    def test_each_photo_is_measured_by_a_network_that_did_not_see_it(self) -> None:
        stages = plan_stages(examples([None] * 40), FineTuneSettings(folds=4))

        *measuring, published = stages
        assert [stage.is_published for stage in stages] == [False] * 4 + [True]
        for stage in measuring:
            train, validation, measured = rows_of(stage)
            assert not train & validation
            assert not measured & (train | validation)
            assert len(train | validation | measured) == 40
        assert sorted(row for stage in measuring for row in stage.measured) == list(range(40))
        train, validation, measured = rows_of(published)
        assert (len(train), len(validation), measured) == (36, 4, set())

    def test_near_duplicates_are_on_one_side(self) -> None:
        pairs = [row // 2 for row in range(40)]

        for stage in plan_stages(examples([None] * 40, pairs), FineTuneSettings(folds=4)):
            groups = [{pairs[row] for row in rows} for rows in rows_of(stage)]
            assert sum(map(len, groups)) == len(set.union(*groups))

    def test_without_folds_a_part_is_held_out(self) -> None:
        (stage,) = plan_stages(examples([None] * 50), FineTuneSettings(folds=1))

        train, validation, measured = rows_of(stage)
        assert (len(train), len(validation), len(measured)) == (36, 4, 10)
        assert stage.is_published

    def test_without_folds_the_data_sets_own_splits_are_taken(self) -> None:
        splits = [Split.TRAIN] * 30 + [Split.VALIDATION] * 5 + [Split.TEST] * 5

        (stage,) = plan_stages(examples(splits), FineTuneSettings(folds=1))

        assert rows_of(stage) == [set(range(30)), set(range(30, 35)), set(range(35, 40))]

    def test_a_test_split_takes_no_part_in_folds(self) -> None:
        splits = [Split.TEST] * 10 + [None] * 30

        *measuring, published = plan_stages(examples(splits), FineTuneSettings(folds=3))

        assert all(min(set.union(*rows_of(stage))) >= 10 for stage in measuring)
        assert rows_of(published)[2] == set(range(10))


class TestBatches:
    def test_every_photo_comes_once_an_epoch(self) -> None:
        some = batches([1, 3, 4, 6, 7, 9], batch=2)

        scores = np.concatenate([some.at(step)[1] for step in range(some.order.steps_per_epoch)])

        assert sorted(scores.tolist()) == pytest.approx(SCORES[[1, 3, 4, 6, 7, 9]].tolist())

    def test_a_step_is_drawn_from_the_seed_alone(self) -> None:
        late, again = batches(list(range(10)), 4).at(7), batches(list(range(10)), 4).at(7)
        other = batches(list(range(10)), 4, seed=1).at(7)

        assert all(np.array_equal(mine, theirs) for mine, theirs in zip(late, again, strict=True))
        assert not np.array_equal(late[0], other[0])
        assert not np.array_equal(late[0], batches(list(range(10)), 4).at(8)[0])

    def test_crops_lie_in_the_photo_and_half_of_them_are_mirrored(self) -> None:
        rows = np.repeat(3, 400)

        crops = random_crops(SQUARES, rows, 16, np.random.default_rng(0))

        whole = SQUARES[3]
        possible = {
            whole[top : top + 16, left : left + 16][:, ::direction].tobytes()
            for top in range(3)
            for left in range(3)
            for direction in (1, -1)
        }
        plain = {whole[top : top + 16, left : left + 16].tobytes() for top in range(3) for left in range(3)}
        assert {crop.tobytes() for crop in crops} == possible
        assert 150 < sum(crop.tobytes() in plain for crop in crops) < 250

    def test_the_centre_is_what_is_served(self, tmp_path: Path) -> None:
        data = load_dataset(write_dataset(tmp_path / "data", 12))

        squares = open_squares(data.examples, 18, tmp_path / "squares", lambda _progress: None)

        served = [PREPROCESSING.apply(decode(e.path.read_bytes(), e.name, ImageLimits())) for e in data.examples]
        assert np.array_equal(centre_crops(squares, np.arange(12), PREPROCESSING), np.stack(served))

    def test_photos_are_decoded_once(self, tmp_path: Path) -> None:
        data = load_dataset(write_dataset(tmp_path / "data", 12))
        seen: list[object] = []

        open_squares(data.examples, 18, tmp_path / "squares", seen.append)
        decoded = len(seen)
        open_squares(data.examples, 18, tmp_path / "squares", seen.append)

        assert decoded == len(seen) == 12

    def test_what_a_killed_run_left_goes(self, tmp_path: Path) -> None:
        data = load_dataset(write_dataset(tmp_path / "data", 12))
        (tmp_path / "squares").mkdir()
        (tmp_path / "squares" / ".staging-0123").write_bytes(b"half of it")

        open_squares(data.examples, 18, tmp_path / "squares", lambda _progress: None)

        assert {path.name for path in (tmp_path / "squares").iterdir()} == {"squares.npy"}


@cache
def updated(accumulate: int, precision: ComputePrecision) -> tuple[dict[str, Any], list[float]]:
    """Parameters after three updates, and the errors of thirty."""
    network, params = tiny_network(precision)
    optimiser = make_optimiser(FineTuneSettings(batch=8, learning_rate=3e-3, trunk_learning_rate=3e-3))
    update, some = make_update(network, optimiser, accumulate), batches(list(range(10)), 8)
    start = jax.tree.map(jnp.array, params)
    state, losses, early = TrainState(start, optimiser.init(start)), [], {}
    for step in range(30):
        state, loss = update(state, *some.at(step), jnp.float32(1))
        losses.append(float(loss))
        if step == 2:
            early = jax.tree.map(np.array, state.params)
    return early, losses


def dtypes_of(operation: str, network: Network, params: dict[str, Any], crop: int) -> list[np.dtype[Any]]:
    """What the operations of a kind give, in their order; nothing is computed."""
    image = jax.ShapeDtypeStruct((1, crop, crop, 3), np.uint8)
    program = jax.make_jaxpr(network)(params, image)
    return [found.outvars[0].aval.dtype for found in equations(program.jaxpr) if found.primitive.name == operation]


def equations(program: Any) -> Iterator[Any]:
    for equation in program.eqns:
        yield equation
        for inner in equation.params.values():
            if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                yield from equations(getattr(inner, "jaxpr", inner))


class TestUpdates:
    def test_the_error_falls(self) -> None:
        _, losses = updated(1, ComputePrecision.FLOAT32)

        assert np.mean(losses[-5:]) < 0.5 * losses[0]

    def test_a_batch_in_parts_gives_the_same_update(self) -> None:
        whole, whole_losses = updated(1, ComputePrecision.FLOAT32)
        parts, part_losses = updated(2, ComputePrecision.FLOAT32)

        assert part_losses[:3] == pytest.approx(whole_losses[:3], rel=1e-4)
        # Adam divides by the gradient's size, so that rounding shows where that is nearly 0: at most a step of 3e-3.
        differences = jax.tree.leaves(jax.tree.map(lambda a, b: np.abs(a - b).mean(), whole, parts))
        assert max(map(float, differences)) < 1e-4

    def test_bfloat16_goes_the_same_way(self) -> None:
        _, exact = updated(1, ComputePrecision.FLOAT32)
        params, rough = updated(1, ComputePrecision.BFLOAT16)

        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float32)}
        assert rough != exact
        assert rough[0] == pytest.approx(exact[0], rel=0.1)
        assert np.mean(rough[-5:]) < 0.5 * rough[0]

    def test_the_trunk_computes_in_bfloat16_and_the_head_does_not(self) -> None:
        network, params = tiny_network(ComputePrecision.BFLOAT16)

        *trunk, head = dtypes_of("dot_general", network, params, 16)

        assert set(trunk) == {np.dtype(jnp.bfloat16)}
        assert head == np.float32

    def test_resmems_branch_and_head_compute_in_float32(self) -> None:
        module = registry.build("resmem", {"blocks": (1, 1, 1, 1), "head_widths": (8,)})
        network = Network(module, ComputePrecision.BFLOAT16)
        params = registry.skeleton(module, 227)

        convolutions = dtypes_of("conv_general_dilated", network, params, 227)
        products = dtypes_of("dot_general", network, params, 227)

        assert convolutions.count(np.dtype(np.float32)) == 5
        assert convolutions.count(np.dtype(jnp.bfloat16)) == 1 + 4 * 4  # the stem, and four in each stage's block
        assert products == [jnp.bfloat16, np.float32, np.float32]  # logits, then the head

    def test_head_and_trunk_have_learning_rates_of_their_own(self) -> None:
        network, params = tiny_network()
        optimiser = make_optimiser(FineTuneSettings(trunk_learning_rate=0.0))
        start = jax.tree.map(jnp.array, params)

        state, _ = make_update(network, optimiser, 1)(
            TrainState(start, optimiser.init(start)), *batches(list(range(10)), 8).at(0), jnp.float32(1)
        )

        same = {name: jax.tree.all(jax.tree.map(np.array_equal, state.params[name], params[name])) for name in params}
        assert {name for name, is_same in same.items() if not is_same} == {HEAD}

    def test_learning_rates_rise_and_fall(self) -> None:
        rates = [float(learning_rates(FineTuneSettings(), 100)(step)) for step in range(101)]

        assert rates[0] == 0
        assert rates.index(max(rates)) == 10
        assert max(rates) == pytest.approx(1)
        assert rates[100] == pytest.approx(0.01)


class TestCheckpoints:
    def test_a_checkpoint_that_lost_files_gives_way_to_the_one_before(self, tmp_path: Path) -> None:
        def arrays(value: float) -> dict[str, jax.Array]:
            return {"params": jnp.full((3, 2), value)}

        with Checkpoints(tmp_path / "kept") as checkpoints:
            assert checkpoints.restore(arrays(0)) is None
            for step in (1, 2, 3):
                checkpoints.save(step, arrays(step), {"step": step})
        for path in sorted((tmp_path / "kept" / "3" / "arrays").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()

        with Checkpoints(tmp_path / "kept") as checkpoints:
            restored = checkpoints.restore(arrays(0))
            checkpoints.save(3, arrays(4), {"step": 3})
            again = checkpoints.restore(arrays(0))

        assert again is not None
        assert np.array_equal(again[0]["params"], np.full((3, 2), 4.0))
        assert restored is not None
        assert restored[1] == {"step": 2}
        assert np.array_equal(restored[0]["params"], np.full((3, 2), 2.0))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(TrainingError, match="a batch of 8 cannot be computed in 3 equal parts"):
        FineTuneSettings(batch=8, accumulate=3)
    with pytest.raises(TrainingError, match="epochs 0: must be above 0"):
        FineTuneSettings(epochs=0)


def test_settings_suit_the_machine_unless_they_are_chosen() -> None:
    cpu, gpu = settings_for("cpu", epochs=3, precision=None), settings_for("gpu", batch=64, accumulate=None)

    assert (cpu.epochs, cpu.precision, cpu.batch // cpu.accumulate) == (3, ComputePrecision.FLOAT32, 4)
    assert (gpu.batch, gpu.precision, gpu.accumulate) == (64, ComputePrecision.BFLOAT16, 1)
    assert settings_for("cpu", batch=6).accumulate == 1
    assert settings_for("gpu", precision=ComputePrecision.FLOAT32, accumulate=8).accumulate == 8


def test_squares_are_real_photos(tmp_path: Path) -> None:
    data = load_dataset(write_dataset(tmp_path / "data", 12))

    squares = open_squares(data.examples, 24, tmp_path / "squares", lambda _progress: None)

    assert np.array_equal(squares[5], np.asarray(Image.open(data.examples[5].path)))
