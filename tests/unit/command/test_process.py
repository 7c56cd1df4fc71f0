"""The installed command, as a process."""

import os
import subprocess
import sys
from pathlib import Path

from model_store.records import parse_record
from model_store.store import ModelStore
from tests.unit.command.running import FAILURE, save_picture


def process(*arguments: str | Path, store: ModelStore) -> subprocess.Popen[str]:
    program = [Path(sys.executable).with_name("memorability"), *arguments]
    environment = os.environ | {"MEMORABILITY_STORE": str(store.root)}
    return subprocess.Popen(program, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_installed_command_scores(store: ModelStore, photos: Path) -> None:
    (photos / "a.png").write_bytes(b"")

    with process("score", "--json", photos, store=store) as running:
        output, errors = running.communicate()

    assert running.returncode == FAILURE
    assert [parse_record(line).status for line in output.splitlines()] == ["failed", *["scored"] * 4]
    assert "4 of 5 photos scored" in errors


def test_an_error_of_the_installed_command_is_one_message(store: ModelStore) -> None:
    with process("models", "show", "nothing", store=store) as running:
        output, errors = running.communicate()

    assert (running.returncode, output) == (FAILURE, "")
    assert errors.startswith("Error: There is no model nothing in ")
    assert "Traceback" not in errors


def test_a_reader_that_leaves_early_is_no_error_to_talk_about(store: ModelStore, tmp_path: Path) -> None:
    for number in range(40):
        save_picture(tmp_path / "many" / f"{number}.png", number)

    with process("score", "--json", tmp_path / "many", store=store) as running:
        assert running.stdout
        assert running.stderr
        parse_record(running.stdout.readline())
        running.stdout.close()
        errors = running.stderr.read()

    assert running.returncode == FAILURE
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
