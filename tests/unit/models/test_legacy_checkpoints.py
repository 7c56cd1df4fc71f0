"""Reading what `torch.save` wrote before PyTorch 1.6: the same tensors, and the same refusals."""

import re
from pathlib import Path

import numpy as np
import pytest

from model_store.models.checkpoints import CheckpointError, read_checkpoint
from tests.unit.models.torch_archives import (
    called,
    named,
    ordered,
    save_legacy_state,
    storage,
    tensor,
    value,
    write_legacy,
)

STATE: dict[str, np.ndarray] = {
    "z.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "a": np.array(7, np.int64),
    "m": np.arange(3, dtype=np.float16),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "old.pth"


def test_tensors_are_read_as_they_were_stored(path: Path) -> None:
    state = read_checkpoint(save_legacy_state(path, STATE))

    assert list(state) == list(STATE)
    for name, array in STATE.items():
        assert state[name].dtype == array.dtype
        np.testing.assert_array_equal(state[name], array)


def test_nothing_but_tensors_is_admitted(path: Path) -> None:
    program = ordered({"a": called(named("os", "system"), value("touch owned"))})

    with pytest.raises(CheckpointError, match=r"old\.pth is refused: its pickle asks for os\.system"):
        read_checkpoint(write_legacy(path, program, {}, {}))


@pytest.mark.parametrize("end", [-1, -60])
def test_a_file_that_was_cut_off_is_refused(path: Path, end: int) -> None:
    save_legacy_state(path, STATE)
    path.write_bytes(path.read_bytes()[:end])

    with pytest.raises(CheckpointError, match=r"truncated|not a readable"):
        read_checkpoint(path)


def test_a_storage_larger_than_the_file_takes_no_memory(path: Path) -> None:
    program = ordered({"a": tensor(storage("0", "FloatStorage", 10**12, value(None)), (1,))})

    with pytest.raises(CheckpointError, match=re.escape("storage 0 is to hold 1000000000000 values")):
        read_checkpoint(write_legacy(path, program, {"0": b""}, {"0": 0}))


def test_a_count_that_contradicts_the_pickle_is_refused(path: Path) -> None:
    program = ordered({"a": tensor(storage("0", "FloatStorage", 2, value(None)), (2,))})

    with pytest.raises(CheckpointError, match="does not hold 2 values"):
        read_checkpoint(write_legacy(path, program, {"0": bytes(8)}, {"0": 3}))


def test_other_files_are_refused(path: Path) -> None:
    path.write_bytes(b"\x80\x02K\x07.")

    with pytest.raises(CheckpointError, match="was not written by torch.save"):
        read_checkpoint(path)
