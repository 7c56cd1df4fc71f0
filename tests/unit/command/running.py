"""What the tests of the command share: its result, and photos to give it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from model_store.records import FailedRecord, ScoredRecord, parse_record
from model_store.store import ModelStore
from model_store.store.layout import PARAMETERS_FILE

TERMINAL_COLUMNS = 80
SUCCESS, FAILURE, BAD_USAGE = 0, 1, 2


@dataclass(frozen=True)
class Result:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[ScoredRecord | FailedRecord]:
        """The records of `score --json`; anything else on standard output fails."""
        return [parse_record(line) for line in self.stdout.splitlines()]

    @property
    def error(self) -> str:
        """Standard error as one line: the message of a usage error is wrapped in a frame."""
        return " ".join(self.stderr.split())


type Command = Callable[..., Result]


def save_picture(path: Path, number: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (24, 30 + number, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return path


def alter_parameters(store: ModelStore, name: str) -> None:
    with (store.path(name) / PARAMETERS_FILE).open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
