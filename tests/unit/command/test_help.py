"""What every command says of itself."""

import shlex
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from memorability import main
from tests.unit.command.running import BAD_USAGE, SUCCESS, TERMINAL_COLUMNS, Command


def leaf_commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    if isinstance(group, TyperGroup):
        for name, below in group.commands.items():
            yield from leaf_commands(below, (*path, name))
    elif isinstance(group, TyperCommand):
        yield path, group


COMMANDS = dict(leaf_commands(typer.main.get_command(main.app)))


def test_there_are_these_commands() -> None:
    below_models = ("pull", "import", "list", "show", "verify", "alias", "ensemble", "compile", "remove", "publish")
    alone = ("score", "heatmap", "upload", "results", "serve", "train", "evaluate", "distil")
    assert set(COMMANDS) == {*((name,) for name in alone), *(("models", name) for name in below_models)}


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_explains_with_an_example_and_fits(command: Command, path: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = command(*path, option)
        assert result.exit_code == SUCCESS
        assert "Example" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= TERMINAL_COLUMNS
        assert "…" not in result.stdout, "something was cut off"
        for example in examples(COMMANDS[path]):
            assert example in result.stdout, "an example is wrapped, so that it cannot be copied"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_are_of_this_command_and_name_options_that_it_has(path: tuple[str, ...]) -> None:
    options = {name for parameter in COMMANDS[path].params for name in parameter.opts}

    for example in examples(COMMANDS[path]):
        words = shlex.split(example.partition("|")[0])
        assert tuple(words[: len(path) + 1]) == ("memorability", *path)
        assert {word for word in words if word.startswith("-")} <= options


def examples(command: TyperCommand) -> list[str]:
    lines = (line.removeprefix("Example:").strip() for line in (command.epilog or "").splitlines())
    found = [line for line in lines if line.startswith("memorability")]
    assert found
    return found


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_without_a_command_the_help_is_shown(command: Command, arguments: list[str]) -> None:
    result = command(*arguments)

    assert result.exit_code == BAD_USAGE
    assert "Usage: memorability" in result.stdout + result.stderr


def test_the_version_is_the_distributions(command: Command) -> None:
    result = command("--version")

    assert (result.exit_code, result.stdout) == (SUCCESS, f"memorability {version('memorability')}\n")
