"""`memorability distil`: how it refuses, before anything is fetched or computed."""

from pathlib import Path

import pytest

from tests.unit.command.running import BAD_USAGE, FAILURE, Command
from tests.unit.training.photos import write_photo

N_PHOTOS = 50


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    for index in range(N_PHOTOS):
        write_photo(folder / f"{index:02}.png", index, N_PHOTOS)
    return folder


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--student", "vgg"), "no student is called 'vgg'; known are efficientnet-lite0"),
        (("--size", "100"), "a student cannot see 100 pixels: the side must be a multiple of 32"),
        (("--teacher", "nobody"), "nobody"),
        (("--learning-rate", "0"), "learning rate and batch must be above 0"),
    ],
)
def test_what_cannot_be_had_is_refused(
    over: Command, archive: Path, tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    told = over("distil", "--teacher", "first", archive, "--name", "quick", "--cache", tmp_path, *options)

    assert told.exit_code == FAILURE
    assert reason in told.error
    assert "looking at" in told.stderr or "learning rate" in told.stderr


def test_too_few_photos_are_refused(over: Command, archive: Path) -> None:
    told = over("distil", "--teacher", "first", *sorted(archive.iterdir())[:3], "--name", "quick")

    assert told.exit_code == FAILURE
    assert "3 photos can be read; a student needs at least 50" in told.error


def test_a_name_that_is_none_is_refused(over: Command, archive: Path) -> None:
    assert over("distil", archive, "--name", "two words").exit_code == FAILURE
    assert over("distil", archive).exit_code == BAD_USAGE
