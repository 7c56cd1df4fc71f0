"""Messages in hand are hidden from others, until they are let go."""

import time
from collections.abc import Callable, Collection

import pytest

from gpu_worker.holding import BEATS_PER_VISIBILITY, MAX_HOLD_SECONDS, Holding
from gpu_worker.ports import Message
from tests.unit.gpu_worker.fakes import FakeQueue, job, message

ONE, TWO = message(job(), 1), message(job(), 2)


class Hiding(FakeQueue):
    """A queue that only notes what is hidden, and for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: list[tuple[list[str], int]] = []
        self.is_in_trouble = False
        self.on_hide: Callable[[], object] = lambda: None

    def hide(self, messages: Collection[Message], seconds: int) -> None:
        self.hidden.append(([found.message_id for found in messages], seconds))
        self.on_hide()
        if self.is_in_trouble:
            raise OSError("SQS does not answer")


def test_a_beat_hides_what_is_in_hand() -> None:
    queue = Hiding()
    holding = Holding(queue)
    holding.add([ONE, TWO])
    holding.beat()
    holding.let_go(ONE)
    holding.beat()
    holding.let_go(TWO)
    holding.beat()

    assert queue.hidden == [(["m1"], 120), (["m2"], 120), (["m2"], 120)]
    assert len(holding) == 0


def test_what_is_given_back_during_a_beat_is_not_hidden_again() -> None:
    queue = Hiding()
    holding = Holding(queue)
    holding.add([ONE, TWO])
    queue.on_hide = lambda: holding.let_go(TWO)
    holding.beat()

    assert queue.hidden == [(["m1"], 120)]


def test_everything_is_given_back_at_once() -> None:
    queue = Hiding()
    holding = Holding(queue)
    holding.add([ONE, TWO])

    assert holding.give_back_all() == 2
    assert queue.hidden == [(["m1", "m2"], 0)]
    assert len(holding) == 0


def test_what_hangs_is_left_to_others(caplog: pytest.LogCaptureFixture) -> None:
    queue, now = Hiding(), 0.0
    holding = Holding(queue, clock=lambda: now)
    holding.add([ONE])
    now = MAX_HOLD_SECONDS + 1
    holding.add([TWO])
    holding.beat()

    assert queue.hidden == [(["m2"], 120)]
    assert "message m1 is held no longer" in caplog.text


def test_the_heart_goes_on_beating_when_the_queue_is_in_trouble() -> None:
    queue = Hiding()
    queue.visibility_seconds = 0.01 * BEATS_PER_VISIBILITY  # type: ignore[assignment]
    queue.is_in_trouble = True
    with Holding(queue) as holding:
        holding.add([ONE])
        deadline = time.monotonic() + 5
        while len(queue.hidden) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert len(queue.hidden) >= 3
