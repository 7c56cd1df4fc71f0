"""A change of the store that is killed at any step leaves the old state or the new, and can be done again."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Barrier

import pytest

from model_store.store import (
    AlreadyPublishedError,
    CorruptModelError,
    InUseError,
    Manifest,
    ModelStore,
)
from model_store.store.layout import PARAMETERS_FILE
from tests.unit.store import processes
from tests.unit.store.changes import (
    hold_a_draft,
    make_alias,
    move_alias,
    publish_next_ensemble,
    publish_over_damage,
    publish_second,
    remove_alias,
    remove_idle_model,
)
from tests.unit.store.samples import litter, publish, publish_ensemble

State = tuple[object, ...]


def state_of(root: Path) -> State:
    """Return all that readers see of a store, having verified every version."""
    store = ModelStore(root)
    models, ensembles = store.models(), store.ensembles()
    assert not models.problems
    assert not ensembles.problems
    versions = tuple(store.verify(manifest.ref).ref for manifest in models.items)
    return versions, tuple(ensemble.ref for ensemble in ensembles.items), store.aliases()


@pytest.fixture(scope="module")
def old_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, each in an ensemble, and `live` on the first, so that the second idles."""
    root = tmp_path_factory.mktemp("old")
    store = ModelStore(root)
    publish(store, "1.0")
    publish(store, "1.5", value=1.5)
    publish_ensemble(store, "resmem@1.0")
    publish_ensemble(store, "resmem@1.5")
    store.set_alias("live", "default@1")
    return root


def killed_copies(operation: processes.Operation, old: Path, folder: Path) -> Iterator[Path]:
    """Yield a copy of the store for each step of the operation, killed at it; the last was not killed."""
    for step in count(1):
        root = folder / f"killed_at_{step}"
        shutil.copytree(old, root)
        finished = processes.runs_to_the_end(operation, root, killed_at=step)
        yield root
        if finished:
            return


@pytest.mark.parametrize(
    ("operation", "least_steps"),
    [
        (publish_second, 15),
        (publish_next_ensemble, 5),
        (move_alias, 5),
        (make_alias, 5),
        (remove_alias, 2),
        (remove_idle_model, 5),
    ],
)
def test_a_kill_at_any_step_leaves_the_old_state_or_the_new(
    operation: processes.Operation, least_steps: int, old_root: Path, tmp_path: Path
) -> None:
    before = state_of(old_root)
    after_root = tmp_path / "after"
    shutil.copytree(old_root, after_root)
    operation(after_root)
    after = state_of(after_root)
    assert before != after

    seen = []
    for root in killed_copies(operation, old_root, tmp_path):
        seen.append(state_of(root))
        assert seen[-1] in (before, after)
        operation(root)
        assert state_of(root) == after
        assert not litter(root)
    assert len(seen) > least_steps
    assert seen == sorted(seen, key=lambda state: state == after), "the new state went away again"
    assert (seen[0], seen[-1]) == (before, after)


def test_the_first_publisher_of_all_can_be_killed_at_any_step(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for root in killed_copies(publish_second, tmp_path / "empty", tmp_path):
        assert state_of(root)[0] in ((), ("resmem@2.0",))
        publish_second(root)
        assert state_of(root) == (("resmem@2.0",), (), {})
        assert not litter(root)


def test_repairing_a_damaged_version_can_be_killed_at_any_step(old_root: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(old_root, damaged)
    flip_a_byte(damaged / "models" / "resmem" / "1.0" / PARAMETERS_FILE)
    with pytest.raises(CorruptModelError):
        state_of(damaged)
    for root in killed_copies(publish_over_damage, damaged, tmp_path):
        assert ModelStore(root).verify("resmem@1.5")
        publish_over_damage(root)
        assert state_of(root) == state_of(old_root)
        assert not litter(root)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_publisher_waits_for_a_live_one_and_clears_up_after_a_dead_one(old_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    shutil.copytree(old_root, root)
    holder = processes.start(hold_a_draft, root)
    while not (root / "writing").exists():
        assert holder.is_alive()
        time.sleep(0.01)

    impatient = ModelStore(root, lock_timeout_seconds=0.1)
    with pytest.raises(InUseError, match=r"resmem for over 0.1 s"):
        publish(impatient, "3.0")
    with pytest.raises(InUseError, match=r"resmem for over 0.1 s"):
        impatient.remove("resmem@1.5")
    publish(impatient, "1.0", name="vitmem")
    assert litter(root), "the live publisher's draft was taken away"

    holder.kill()
    holder.join()
    publish(impatient, "3.0")
    assert not litter(root)
    assert state_of(root)[0] == ("resmem@1.0", "resmem@1.5", "resmem@3.0", "vitmem@1.0")


def publish_at_once(root: Path, values: tuple[float, float]) -> list[Manifest | AlreadyPublishedError]:
    barrier = Barrier(2)

    def publish_one(value: float) -> Manifest | AlreadyPublishedError:
        barrier.wait()
        try:
            return publish(ModelStore(root), "9.0", value=value)
        except AlreadyPublishedError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(publish_one, values))


def test_of_two_publishers_at_once_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    outcomes = publish_at_once(tmp_path, (1.0, 2.0))
    (won,) = (outcome for outcome in outcomes if isinstance(outcome, Manifest))
    (lost,) = (outcome for outcome in outcomes if isinstance(outcome, AlreadyPublishedError))
    assert ModelStore(tmp_path).verify("resmem@9.0") == won
    assert "resmem@9.0 is published already, with other files" in str(lost)
    assert not litter(tmp_path)


def test_two_publishers_of_the_same_content_both_get_the_one_version(tmp_path: Path) -> None:
    first, second = publish_at_once(tmp_path, (1.0, 1.0))
    assert first == second == ModelStore(tmp_path).verify("resmem@9.0")


def test_two_ensembles_published_at_once_get_different_versions(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    publish(store, "1.0")
    publish(store, "2.0", value=2)
    barrier = Barrier(2)

    def publish_one(member: str) -> str:
        barrier.wait()
        return publish_ensemble(store, member).ref

    with ThreadPoolExecutor(2) as pool:
        refs = list(pool.map(publish_one, ("resmem@1.0", "resmem@2.0")))
    assert sorted(refs) == ["default@1", "default@2"]
