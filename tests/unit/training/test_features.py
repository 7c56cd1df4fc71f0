"""The cache of features: what it gives back, and that runs that share it leave each other's work alone."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from model_store.store.tensors import Tensor, write_tensors
from training.features import cache
from training.features.cache import FeatureCache, Seen


def digests(*photos: int) -> list[str]:
    return [sha256(bytes([photo])).hexdigest() for photo in photos]


def seen(*photos: int) -> Seen:
    """Features that name the photo."""
    numbers = np.array(photos, np.float32)
    return Seen(np.stack([numbers, -numbers], axis=1), numbers / 100)


def test_features_come_back_in_the_order_that_is_asked(tmp_path: Path) -> None:
    kept = FeatureCache(tmp_path / "features")
    kept.add(digests(1, 2), seen(1, 2))
    kept.add(digests(3), seen(3))

    found = FeatureCache(tmp_path / "features").load(digests(3, 1))

    assert np.array_equal(found.features, seen(3, 1).features)
    assert np.array_equal(found.scores, seen(3, 1).scores)
    assert kept.known() == set(digests(1, 2, 3))


def test_runs_at_once_leave_each_others_shards_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is writing, and must not take its shard for what a killed run left."""
    second: list[Future[None]] = []

    def add(*photos: int) -> None:
        FeatureCache(tmp_path / "features").add(digests(*photos), seen(*photos))

    def write_meanwhile(path: Path, tensors: dict[str, Tensor]) -> None:
        write_tensors(path, tensors)
        if not second:
            second.append(pool.submit(add, 3, 4))
            wait(second, timeout=0.3)

    monkeypatch.setattr(cache, "write_tensors", write_meanwhile)
    with ThreadPoolExecutor() as pool:
        add(1, 2)

    second[0].result()
    assert FeatureCache(tmp_path / "features").known() == set(digests(1, 2, 3, 4))


def test_what_a_killed_run_left_and_what_is_damaged_goes(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / ".staging-0123").write_bytes(b"half a shard")
    (folder / "damaged.safetensors").write_bytes(b"no shard")

    FeatureCache(folder).add(digests(1), seen(1))

    assert FeatureCache(folder).known() == set(digests(1))
    assert sorted(path.suffix for path in folder.iterdir()) == ["", ".safetensors"]  # the lock, and the shard
