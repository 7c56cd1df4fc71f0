"""How Lambda scales, rule by rule."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.cost.simulation import POLLERS_PER_SECOND, Assumptions, Outcome, Setting, Speed, simulate

SPEED = Speed(cold=2.0, start=0.5, call=lambda photos: 0.1 + 0.1 * photos)
AT_ONCE = Assumptions(delivery_seconds=0)


def run(
    uploads: list[float], setting: Setting, *, warm: int = 0, speed: Speed = SPEED, assumed: Assumptions = AT_ONCE
) -> Outcome:
    return simulate(uploads, setting, speed, assumed, seed=1, warm=warm)


def queue(batch_size: int = 5, max_concurrency: int = 10, window: float = 0) -> Setting:
    return Setting("queue", batch_size, max_concurrency, 3008, window)


def test_a_lone_photo_starts_a_container_and_waits_for_it() -> None:
    outcome = run([0.0], queue())

    assert (outcome.calls, outcome.cold_starts) == (1, 1)
    assert outcome.waits == [pytest.approx(0.5 + 2.0 + 0.2)]
    assert outcome.call_seconds == pytest.approx(0.2)
    assert outcome.started_at == [0.0]


def test_a_warm_container_is_taken_again_until_it_is_given_up() -> None:
    keep = AT_ONCE.keep_alive_seconds

    assert run([0.0, 10.0, 20.0], queue()).cold_starts == 1
    assert run([0.0, keep], queue()).cold_starts == 1, "the container was idle for less, as its call took a while"
    assert run([0.0, keep + 10], queue()).cold_starts == 2


def test_photos_that_s3_calls_for_start_a_container_each() -> None:
    outcome = run([0.0] * 20, Setting("direct", 1))

    assert (outcome.calls, outcome.cold_starts) == (20, 20)
    assert outcome.last == pytest.approx(0.5 + 2.0 + 0.2)


def test_no_more_calls_run_at_once_than_allowed() -> None:
    outcome = run([0.0] * 20, queue(batch_size=5, max_concurrency=2))

    assert outcome.cold_starts == 2
    assert outcome.calls >= 4
    assert run([0.0] * 20, queue(batch_size=10, max_concurrency=2)).last < run([0.0] * 20, queue(1, 2)).last


def test_five_pollers_begin_and_others_join_while_messages_wait() -> None:
    slow = Speed(cold=0, start=0, call=lambda _photos: 100.0)

    outcome = run([0.0] * 8, queue(batch_size=1, max_concurrency=10), speed=slow)

    joined = sorted(round(wait - 100, 3) for wait in outcome.waits)
    assert joined == [0] * 5 + [round(number / POLLERS_PER_SECOND, 3) for number in (1, 2, 3)]


def test_a_window_collects_a_batch_and_a_full_one_does_not_wait() -> None:
    arriving = [0.1 * number for number in range(5)]

    assert run(arriving, queue(batch_size=10), warm=5).calls == 5
    assert run(arriving, queue(batch_size=10, window=1), warm=5).calls == 1
    full = run([0.0] * 10, queue(batch_size=10, window=30), warm=1)
    assert full.calls == 1
    assert full.last == pytest.approx(1.1)


def test_the_seed_decides_all() -> None:
    assumed = replace(AT_ONCE, delivery_seconds=1)
    waits = [simulate([0.0] * 9, queue(), SPEED, assumed, seed=seed).waits for seed in (1, 1, 2)]

    assert waits[0] == waits[1] != waits[2]


@given(
    uploads=st.lists(st.floats(0, 100), max_size=60),
    batch_size=st.integers(1, 10),
    max_concurrency=st.integers(2, 20),
    window=st.sampled_from([0.0, 0.3]),
    direct=st.booleans(),
)
def test_every_photo_is_answered_once(
    uploads: list[float], batch_size: int, max_concurrency: int, window: float, *, direct: bool
) -> None:
    setting = Setting("direct", 1) if direct else queue(batch_size, max_concurrency, window)

    outcome = run(sorted(uploads), setting)

    assert len(outcome.waits) == len(uploads)
    assert all(wait >= 0.2 - 1e-9 for wait in outcome.waits)
    assert outcome.cold_starts <= outcome.calls <= len(uploads)
