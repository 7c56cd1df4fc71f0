"""Workers that are killed in the middle of jobs: every job is done all the same, and has one result."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from subprocess import Popen

import pytest

from model_store.store import ModelStore
from tests.integration.calls import photo
from tests.integration.worker_account import WorkerAccount, job, wait_until, worker_account

JOBS, KILLS, WORKERS = 200, 20, 3
SECONDS = 300  # for each step, on a machine with much else to do
# A killed worker's jobs come back after this; what a living one has is hidden again three times as often.
VISIBILITY_SECONDS = 6


@pytest.fixture
def account(tmp_path: Path) -> Iterator[WorkerAccount]:
    # Every death costs each of its jobs a try; here they die more often than a job may be tried on AWS.
    with worker_account(tmp_path, VISIBILITY_SECONDS, max_receives=KILLS + 2) as account:
        yield account


def test_200_jobs_survive_20_deaths(account: WorkerAccount, store: ModelStore) -> None:
    jobs = [job(f"{number}.jpg", tenant=f"tenant{number % 3}") for number in range(JOBS)]
    for found in jobs:
        account.upload(found, photo())
    account.send(*jobs)
    log = account.folder / "workers.log"
    workers: list[Popen[bytes]] = []

    with log.open("wb") as file:
        try:
            workers += [account.start_worker(store.root, file) for _ in range(WORKERS)]
            for done in range(0, JOBS * KILLS // (KILLS + 2), JOBS // (KILLS + 2)):
                wait_until(partial(has_more_than, account, done), SECONDS, log.read_text)
                victim = workers.pop(0)  # the one that has been at work longest
                assert victim.poll() is None, log.read_text()
                victim.kill()
                victim.wait()
                workers.append(account.start_worker(store.root, file))
            wait_until(lambda: account.left() == 0, SECONDS, log.read_text)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()

    heatmaps = account.heatmaps()
    assert set(heatmaps) == {found.place.item_key["sk"] for found in jobs}
    assert Counter(item["status"] for item in heatmaps.values()) == {"done": JOBS}
    assert all(account.heatmap(item["overlay_key"]) and account.heatmap(item["map_key"]) for item in heatmaps.values())
    assert not account.failures()


def has_more_than(account: WorkerAccount, done: int) -> bool:
    return len(account.statuses()) > done
