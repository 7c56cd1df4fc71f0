"""The command over stores of tiny models."""

from pathlib import Path

import pytest

from memorability import main
from model_store.store import ModelStore
from tests.unit.command.running import TERMINAL_COLUMNS, Command, Result, save_picture


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command as its entry point does, in this process; the store is an empty one unless it is told."""
    monkeypatch.setenv("MEMORABILITY_STORE", str(tmp_path / "no store"))
    monkeypatch.setenv("COLUMNS", str(TERMINAL_COLUMNS))

    def run(*arguments: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main.run([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return Result(int(exited.value.code or 0), output.out, output.err)

    return run


@pytest.fixture
def over(command: Command, store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command over a copy of the store of tiny models."""
    monkeypatch.setenv("MEMORABILITY_STORE", str(store.root))
    return command


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos, one of them in a folder of its own."""
    folder = tmp_path / "photos"
    for number, name in enumerate(["a.png", "b.png", "c.png", "d.png", "more/e.png"]):
        save_picture(folder / name, number)
    return folder
