"""Run a store operation in a process of its own: killed at a step, forbidden to write, or unprivileged."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

Operation = Callable[[Path], None]

_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_NOBODY = 65534
_DEADLINE_SECONDS = 60

_PROCESSES = multiprocessing.get_context("forkserver")
# So that a process starts in milliseconds.
_PROCESSES.set_forkserver_preload(["tests.unit.store.changes", "tests.unit.functions.publishing"])


class PowerCut:
    """Kills this process before its n-th change of the disk, and loses what was not fsynced by then.

    Changes are seen by an audit hook, so that nothing that Python does to the disk escapes the count. A file is
    lost by being emptied, which is what a file system does to data that a rename overtook.
    """

    def __init__(self, root: Path, step: int) -> None:
        self._root = root
        self._steps_left = step
        self._safe = {_state(path.stat()) for path in self._files()}
        self._fsync = os.fsync  # fsync raises no audit event, so that it is wrapped

    def arm(self) -> None:
        setattr(os, "fsync", self._recorded_fsync)  # noqa: B010 - its type in the stubs admits nothing else
        sys.addaudithook(self._on_event)

    def _files(self) -> list[Path]:
        return [path for path in self._root.rglob("*") if path.is_file()]

    def _recorded_fsync(self, descriptor: int) -> None:
        self._count()
        self._fsync(descriptor)
        self._safe.add(_state(os.fstat(descriptor)))

    def _on_event(self, event: str, args: tuple[object, ...]) -> None:
        if is_change(event, args):
            self._count()

    def _count(self) -> None:
        self._steps_left -= 1
        if self._steps_left == 0:
            for path in self._files():
                if _state(path.stat()) not in self._safe:
                    os.truncate(path, 0)
            os.kill(os.getpid(), signal.SIGKILL)


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns


def is_change(event: str, args: tuple[object, ...]) -> bool:
    """Say whether an audit event is a change of the disk."""
    if event == "open":
        flags = args[2]
        return isinstance(flags, int) and bool(flags & _WRITE_FLAGS)
    return event in _CHANGES


def runs_to_the_end(operation: Operation, root: Path, *, killed_at: int) -> bool:
    """Run an operation that is killed before its change number `killed_at`; False if it was."""
    exit_code = _run(_killed, operation, root, killed_at)
    assert exit_code in {0, -signal.SIGKILL}, f"the operation failed before it was killed: {exit_code}"
    return exit_code == 0


def run_without_writing(operation: Operation, root: Path) -> None:
    """Run an operation and fail if it tries to change anything on the disk."""
    assert _run(_forbidden_to_write, operation, root) == 0


def run_as_nobody(operation: Operation, root: Path) -> None:
    """Run an operation as a user without rights."""
    assert _run(_unprivileged, operation, root) == 0


def start(operation: Operation, root: Path) -> multiprocessing.process.BaseProcess:
    """Start an operation and leave it running."""
    process = _PROCESSES.Process(target=operation, args=(root,))
    process.start()
    return process


def _run(target: Callable[..., None], *args: object) -> int | None:
    process = _PROCESSES.Process(target=target, args=args)
    process.start()
    process.join(_DEADLINE_SECONDS)
    return process.exitcode


def _killed(operation: Operation, root: Path, step: int) -> None:
    PowerCut(root, step).arm()
    operation(root)


def _forbidden_to_write(operation: Operation, root: Path) -> None:
    def refuse(event: str, args: tuple[object, ...]) -> None:
        if is_change(event, args):
            raise AssertionError(f"a reader tried {event}{args}")

    sys.addaudithook(refuse)
    operation(root)


def _unprivileged(operation: Operation, root: Path) -> None:
    if os.geteuid() == 0:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    operation(root)
