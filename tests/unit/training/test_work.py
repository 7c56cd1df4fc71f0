"""Folders of a run: its own while it works, kept where it fails, gone where it ends well."""

from pathlib import Path

import pytest

from model_store.store import InUseError
from training.work import working_in


def test_folders_of_a_run_that_fails_stay_and_of_one_that_ends_go(tmp_path: Path) -> None:
    work, other = tmp_path / "cache" / "run-1", tmp_path / "checkpoints" / "run-1"
    with pytest.raises(KeyError), working_in(work, other):
        for folder in (work, other):
            folder.mkdir(parents=True)
        raise KeyError
    assert work.is_dir()
    assert other.is_dir()

    with working_in(work, other):
        pass

    assert {path.name for path in tmp_path.rglob("*")} == {"cache", ".run-1.lock", "checkpoints"}


def test_one_run_works_in_a_folder_and_others_beside_it(tmp_path: Path) -> None:
    one, other = tmp_path / "run-1", tmp_path / "run-2"
    with working_in(one):
        with working_in(other):
            pass
        with pytest.raises(InUseError, match=r"the work of a run in .*run-1 for over 1 s"), working_in(one):
            pass
