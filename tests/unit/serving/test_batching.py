"""Photos of all requests in batches of compiled sizes, each answered for itself."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from memorability.serving.batching import Batcher
from model_store.images import Preprocessing
from model_store.records import ScoredRecord
from model_store.runtime.ensembles import LoadedEnsemble
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import ModelStore
from tests.unit import tiny_models
from tests.unit.serving.clients import GatedModel, gated, run, until

NEVER_SECONDS = 1000.0
CUT = Preprocessing(resize=tiny_models.PREPROCESSING.resize, crop=tiny_models.PREPROCESSING.crop)


@pytest.fixture
def single(published: Path) -> tuple[LoadedEnsemble, GatedModel]:
    return gated(ModelStore(published))


def photo(number: int = 0) -> DecodedPhoto:
    return DecodedPhoto(f"photo {number}", 3, 2, {CUT: tiny_models.images(1)[0]})


@asynccontextmanager
async def batching(max_batch: int = 8, max_wait_seconds: float = NEVER_SECONDS) -> AsyncIterator[Batcher]:
    with ThreadPoolExecutor(1) as networks:
        batcher = Batcher(networks, max_batch, max_wait_seconds, on_batch=lambda _photos, _seconds: None)
        running = asyncio.create_task(batcher.run())
        yield batcher
        running.cancel()


def test_a_full_batch_waits_for_nobody(single: tuple[LoadedEnsemble, GatedModel]) -> None:
    ensemble, model = single

    async def test() -> None:
        async with batching() as batcher:
            records = await asyncio.gather(*(batcher.score(ensemble, photo(number)) for number in range(8)))
        assert [record.file for record in records] == [f"photo {number}" for number in range(8)]

    run(test)
    assert model.batches == [8]


def test_a_lone_photo_waits_its_time_and_no_longer(single: tuple[LoadedEnsemble, GatedModel]) -> None:
    ensemble, model = single

    async def test() -> None:
        async with batching(max_wait_seconds=0.05) as batcher:
            start = asyncio.get_running_loop().time()
            record = await batcher.score(ensemble, photo())
            assert isinstance(record, ScoredRecord)
            assert asyncio.get_running_loop().time() - start >= 0.05

    run(test)
    assert model.batches == [1]


def test_photos_that_came_while_the_networks_were_busy_go_in_the_largest_size_they_fill(
    single: tuple[LoadedEnsemble, GatedModel],
) -> None:
    ensemble, model = single
    answered: list[str] = []

    async def test() -> None:
        async with batching(max_wait_seconds=0) as batcher:

            async def score(number: int) -> None:
                answered.append((await batcher.score(ensemble, photo(number))).file)

            model.gate.clear()
            async with asyncio.TaskGroup() as group:
                group.create_task(score(0))
                await until(lambda: model.batches == [1])
                for number in range(1, 6):
                    group.create_task(score(number))
                await asyncio.sleep(0)
                model.gate.set()

    run(test)
    assert model.batches == [1, 4, 1]
    assert answered == [f"photo {number}" for number in range(6)]


def test_ensembles_are_not_mixed_and_keep_their_order(published: Path) -> None:
    (old, old_model), (new, new_model) = (gated(ModelStore(published), ref) for ref in ("first", "second"))
    wanted = [old, old, new, old, new, new, new]

    async def test() -> list[str]:
        async with batching(max_wait_seconds=0.02) as batcher:
            scores = (batcher.score(ensemble, photo()) for ensemble in wanted)
            return [str(getattr(record, "ensemble", None)) for record in await asyncio.gather(*scores)]

    assert run(test) == [ensemble.spec.ref for ensemble in wanted]
    assert (old_model.batches, new_model.batches) == ([1, 1, 1], [1, 1, 1, 1])


def test_photos_that_nobody_waits_for_are_dropped(single: tuple[LoadedEnsemble, GatedModel]) -> None:
    ensemble, model = single

    async def test() -> None:
        async with batching(max_wait_seconds=0.02) as batcher:
            tasks = [asyncio.create_task(batcher.score(ensemble, photo(number))) for number in range(5)]
            await asyncio.sleep(0)
            for task in tasks[:4]:
                task.cancel()
            assert (await tasks[4]).file == "photo 4"

    run(test)
    assert model.batches == [1]


def test_networks_that_fail_cost_one_batch(single: tuple[LoadedEnsemble, GatedModel]) -> None:
    ensemble, model = single

    async def test() -> None:
        async with batching(max_batch=4) as batcher:
            model.error = RuntimeError("out of memory")
            outcomes = await asyncio.gather(
                *(batcher.score(ensemble, photo()) for _ in range(4)), return_exceptions=True
            )
            assert outcomes == [model.error] * 4
            model.error = None
            records = await asyncio.gather(*(batcher.score(ensemble, photo()) for _ in range(4)))
            assert [record.status for record in records] == ["scored"] * 4

    run(test)
