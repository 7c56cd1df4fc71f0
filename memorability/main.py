"""The `memorability` command."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from memorability.commands import distil, evaluate, heatmap, models, score, serve, train, upload
from memorability.console import err, out
from model_store.errors import MemorabilityError

app = typer.Typer(
    name="memorability",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        out.print(f"memorability {version('memorability')}")
        raise typer.Exit


@app.callback()
def memorability(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """How memorable is a photo? Score photos, rank them, and manage the models that do it."""


app.command(epilog=score.EPILOG)(score.score)
app.command(epilog=heatmap.EPILOG)(heatmap.heatmap)
app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=upload.UPLOAD_EPILOG)(upload.upload)
app.command(epilog=upload.RESULTS_EPILOG)(upload.results)
app.command(epilog=train.EPILOG)(train.train)
app.command(epilog=distil.EPILOG)(distil.distil)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.add_typer(models.app, name="models")


def run(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and exits: expected failures become one message and exit status 1, bad usage is status 2.

    Args:
        arguments: of the command line; None takes the process's own.
    """
    try:
        app(arguments, prog_name="memorability")
    except MemorabilityError as error:
        err.print("[red]Error:[/] ", end="")
        err.print(str(error), markup=False)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output is gone, as in `… | head`; nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
