"""Workers that are killed in the middle of jobs: every job is done all the same, and has one result."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from subprocess import Popen

import pytest

from model_store.heatmaps.jobs import HeatmapJob
from model_store.items import Item
from model_store.store import ModelStore
from tests.integration.calls import photo
from tests.integration.worker_account import WorkerAccount, job, wait_until, worker_account

JOBS, KILLS, WORKERS = 200, 20, 3
SECONDS = 120  # for each step, on a machine with much else to do
# A killed worker's jobs come back after this; what a living one has is hidden again three times as often.
VISIBILITY_SECONDS = 4
# Within this time after its maps are computed, a worker draws them, writes objects and records, and deletes messages.
SETTLING_SECONDS = 0.15


@dataclass(frozen=True)
class LoggedWorker:
    """A worker and what it says."""

    process: Popen[bytes]
    log: Path

    @property
    def batches(self) -> int:
        """For how many batches it has computed maps."""
        return self.log.read_bytes().count(b'"PhotosOnDevice":')

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Workers:
    """Workers of one account; each that dies has a successor."""

    account: WorkerAccount
    store: ModelStore
    alive: list[LoggedWorker] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    def start(self) -> None:
        log = self.account.folder / f"worker{len(self.logs)}.log"
        self.logs.append(log)
        with log.open("wb") as file:
            self.alive.append(LoggedWorker(self.account.start_worker(self.store.root, file), log))

    def batches(self) -> dict[Path, int]:
        return {worker.log: worker.batches for worker in self.alive}

    def at_work(self, before: dict[Path, int]) -> LoggedWorker:
        """Waits for the first worker that has computed maps since then."""
        found: list[LoggedWorker] = []

        def is_one_at_work() -> bool:
            assert all(worker.process.poll() is None for worker in self.alive), self.said()
            found.extend(worker for worker in self.alive if worker.batches > before[worker.log])
            return bool(found)

        wait_until(is_one_at_work, SECONDS, self.said, pause_seconds=0.01)
        return found[0]

    def replace(self, victim: LoggedWorker) -> None:
        victim.kill()
        self.alive.remove(victim)
        self.start()

    def said(self) -> str:
        return "\n".join(f"{log.name}:\n{log.read_text()}" for log in self.logs)


@dataclass
class FirstResults:
    """What was seen of each heatmap when it was seen done for the first time.

    A second result would show: nobody asked for these heatmaps in the table, so that each item expires so many seconds
    after its own job was looked at.
    """

    account: WorkerAccount
    first: dict[str, Item] = field(default_factory=dict)

    def note(self) -> int:
        """Looks for results that are new; returns how many there are by now."""
        done = {key: item for key, item in self.account.heatmaps().items() if item["status"] == "done"}
        self.first = done | self.first
        return len(self.first)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[WorkerAccount]:
    # Every death costs each of its jobs a try; here they die more often than a job may be tried on AWS.
    with worker_account(tmp_path, VISIBILITY_SECONDS, max_receives=KILLS + 2) as account:
        yield account


@pytest.fixture
def workers(account: WorkerAccount, store: ModelStore) -> Iterator[Workers]:
    workers = Workers(account, store)
    try:
        yield workers
    finally:
        for worker in workers.alive:
            worker.kill()


def test_200_jobs_survive_20_deaths(account: WorkerAccount, workers: Workers) -> None:
    jobs = [job(f"{number}.jpg", tenant=f"tenant{number % 3}") for number in range(JOBS)]
    for found in jobs:
        account.upload(found, photo())
    for _ in range(WORKERS):
        workers.start()
    moments = random.Random(1)
    results = FirstResults(account)
    interrupted = 0
    for some in batched(jobs, JOBS // KILLS, strict=True):
        interrupted += kill_one_at_work(account, workers, some, moments.uniform(0, SETTLING_SECONDS))
        results.note()
    wait_until(lambda: account.left() == 0 and results.note() == JOBS, SECONDS, workers.said)
    account.send(*jobs)  # SQS may bring any message again
    wait_until(lambda: account.left() == 0, SECONDS, workers.said)

    heatmaps = account.heatmaps()
    assert set(heatmaps) == {found.place.item_key["sk"] for found in jobs}
    assert Counter(item["status"] for item in heatmaps.values()) == {"done": JOBS}
    assert heatmaps == results.first, "each has one result, the first"
    # No litter either: every try of a job is of the same upload and the same models, and writes to the same keys.
    pointed_to = [item[name] for item in heatmaps.values() for name in ("overlay_key", "map_key")]
    assert len(pointed_to) == 2 * JOBS
    assert account.objects() == set(pointed_to)
    assert all(account.heatmap(key) for key in pointed_to)
    assert not account.failures()
    assert interrupted > KILLS / 2, "most of those killed should have had jobs in hand"


def kill_one_at_work(account: WorkerAccount, workers: Workers, jobs: tuple[HeatmapJob, ...], delay: float) -> bool:
    """Sends jobs and kills the first worker that has computed maps; returns whether jobs were left undone by that."""
    before = workers.batches()
    account.send(*jobs)
    victim = workers.at_work(before)
    time.sleep(delay)
    workers.replace(victim)
    return account.left() > 0
