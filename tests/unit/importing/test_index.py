"""Finding a pinned wheel: which index is asked, and what it may answer."""

import os
from pathlib import Path

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from model_store.importing.download import DownloadError
from model_store.importing.index import INDEX_VARIABLES, configured_index, find_wheel
from model_store.importing.published import WheelSource
from tests.unit.importing.servers import JSON_PAGE, Index

WHEEL = WheelSource(
    project="tiny-model",
    version="1.0",
    filename="tiny_model-1.0-py3-none-any.whl",
    bytes=1,
    sha256="0" * 64,
    checkpoint="tiny/model.pt",
    checkpoint_sha256="0" * 64,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any configuration."""
    for variable in (*INDEX_VARIABLES, "PIP_CONFIG_FILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "xdg"))
    return tmp_path


def write_pip_configuration(place: Path, index: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"[global]\nindex-url = {index}\n")


def test_the_first_variable_that_is_set_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pip_configuration(home / ".config/pip/pip.conf", "https://pip.example/simple")
    assert configured_index() == "https://pip.example/simple"

    for variable in reversed(INDEX_VARIABLES):
        monkeypatch.setenv(variable, f"https://{variable}.example/simple")
        assert configured_index() == f"https://{variable}.example/simple"


def test_an_empty_variable_counts_as_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pip_configuration(home / ".config/pip/pip.conf", "https://pip.example/simple")
    monkeypatch.setenv(INDEX_VARIABLES[0], "")

    assert configured_index() == "https://pip.example/simple"


@pytest.mark.parametrize("place", [".config/pip/pip.conf", ".pip/pip.conf", "xdg/pip/pip.conf", "system/pip.conf"])
def test_the_configuration_that_pip_reads_is_read(home: Path, place: str) -> None:
    write_pip_configuration(home / place, "https://pip.example/a%20b")

    assert configured_index(home / "system/pip.conf") == "https://pip.example/a%20b"


def test_the_file_that_pip_is_told_of_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pip_configuration(home / ".config/pip/pip.conf", "https://user.example/simple")
    write_pip_configuration(home / "named.conf", "https://named.example/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(home / "named.conf"))

    assert configured_index() == "https://named.example/simple"


@pytest.mark.parametrize(
    "content", [b"[global]\ntimeout = 60\n", b"no section", b"[global]\nindex-url =\n", b"\xff\xfe"]
)
def test_a_configuration_without_an_index_is_passed_over(home: Path, content: bytes) -> None:
    write_pip_configuration(home / ".pip/pip.conf", "https://pip.example/simple")
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_bytes(content)

    assert configured_index() == "https://pip.example/simple"


def test_without_any_configuration_it_is_pypi(home: Path) -> None:
    assert configured_index(home / "system/pip.conf") == PYPI_SIMPLE_ENDPOINT


def test_pip_may_be_told_to_read_no_configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pip_configuration(home / ".pip/pip.conf", "https://pip.example/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    assert configured_index(home / "system/pip.conf") == PYPI_SIMPLE_ENDPOINT


@pytest.mark.parametrize("pages", [JSON_PAGE, "text/html", "application/vnd.pypi.simple.v1+html"])
def test_a_wheel_is_found_among_other_files(index: Index, pages: str) -> None:
    index.pages = pages
    index.projects["tiny-model"] = ["tiny_model-0.9-py3-none-any.whl", WHEEL.filename, "tiny_model-1.0.tar.gz"]

    assert find_wheel(WHEEL, index.simple) == index.file_url(WHEEL.filename)
    assert find_wheel(WHEEL, index.simple.removesuffix("/")) == index.file_url(WHEEL.filename)


@pytest.mark.parametrize("files", [None, [], ["tiny_model-0.9-py3-none-any.whl"]])
def test_an_index_without_the_file_is_named_with_the_remedy(index: Index, files: list[str] | None) -> None:
    if files is not None:
        index.projects["tiny-model"] = files

    with pytest.raises(DownloadError) as caught:
        find_wheel(WHEEL, index.simple)

    assert str(caught.value) == (
        f"the package index {index.simple} has no tiny_model-1.0-py3-none-any.whl; "
        "name an index that has it in MEMORABILITY_INDEX_URL"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/simple/", "not-an-address", "ftp://127.0.0.1/simple"])
def test_an_index_that_cannot_be_reached_is_named_with_the_remedy(url: str) -> None:
    with pytest.raises(DownloadError, match=r"cannot be read .*name another index in MEMORABILITY_INDEX_URL"):
        find_wheel(WHEEL, url)


@pytest.mark.parametrize("pages", ["image/png", "application/vnd.pypi.simple.v9+json"])
def test_an_address_that_is_no_index_is_named_with_the_remedy(index: Index, pages: str) -> None:
    index.pages = pages
    index.projects["tiny-model"] = [WHEEL.filename]

    with pytest.raises(DownloadError, match=r"name another index in MEMORABILITY_INDEX_URL"):
        find_wheel(WHEEL, index.simple)


def test_no_message_tells_a_password(index: Index) -> None:
    url = index.simple.replace("http://", "http://user:secret@")

    with pytest.raises(DownloadError) as missing:
        find_wheel(WHEEL, url)
    with pytest.raises(DownloadError) as unreachable:
        find_wheel(WHEEL, "http://user:secret@127.0.0.1:1/simple/")

    assert index.requests[0].authorization is not None
    for error in (missing.value, unreachable.value):
        assert "127.0.0.1" in str(error)
        assert "secret" not in str(error)
