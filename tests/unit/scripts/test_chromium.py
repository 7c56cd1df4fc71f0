"""Which browser is taken, and that the suites which need one are told whether it is there."""

from pathlib import Path

import pytest

from scripts.chromium import VARIABLE, chromium, find_chromium
from scripts.test_suites import is_there


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def install(path: Path) -> str:
    path.touch(0o755)
    return str(path)


def test_chromium_is_preferred_to_google_chrome(folder: Path) -> None:
    chrome = install(folder / "google-chrome")
    assert (find_chromium(), is_there("chromium")) == (chrome, True)
    preferred = install(folder / "chromium")
    assert find_chromium() == preferred


def test_what_the_variable_names_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder / "chromium")
    monkeypatch.setenv(VARIABLE, own := install(folder / "my-own"))
    assert chromium() == own


@pytest.mark.parametrize("named", [None, "not-there"])
def test_missing_browser_is_missed(folder: Path, monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    if named:
        install(folder / "chromium")
        monkeypatch.setenv(VARIABLE, named)
    assert not is_there("chromium")
    with pytest.raises(SystemExit, match=VARIABLE):
        chromium()
