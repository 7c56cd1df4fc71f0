"""Signals and notices, and a device that does not come to an end."""

from threading import Event

from gpu_worker.draining import Draining
from tests.unit.gpu_worker.fakes import FakeMachine


def test_a_notice_begins_it() -> None:
    machine = FakeMachine()
    draining = Draining(machine, lambda: None, poll_seconds=0.01)
    with draining:
        assert not draining.is_begun
        machine.notice_given = "the spot instance is interrupted"
        draining.wait(5)

        assert draining.is_begun
        assert draining.reason == "the spot instance is interrupted"


def test_the_first_reason_stays() -> None:
    with Draining(FakeMachine(), lambda: None) as draining:
        draining.begin("SIGTERM")
        draining.begin("SIGINT")

    assert draining.reason == "SIGTERM"


def test_a_worker_that_does_not_stop_is_overdue() -> None:
    overdue = Event()
    with Draining(FakeMachine(), overdue.set, patience_seconds=0.01) as draining:
        assert not overdue.wait(0.05), "nobody has asked it to stop"
        draining.begin("SIGTERM")

        assert overdue.wait(5)


def test_a_worker_that_stops_in_time_is_not() -> None:
    overdue = Event()
    with Draining(FakeMachine(), overdue.set, patience_seconds=30) as draining:
        draining.begin("SIGTERM")

    assert not overdue.is_set()
