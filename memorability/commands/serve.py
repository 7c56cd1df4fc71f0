"""`memorability serve`: scores over HTTP, on premises or in a SageMaker container."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from memorability.options import STORE_VARIABLE, default_store
from model_store.errors import MemorabilityError

EPILOG = """Examples:

  memorability serve

  memorability serve --host 0.0.0.0 --port 80 --ensemble default@2
"""

# SageMaker developer guide, "How SageMaker AI loads your model artifacts": what was in the archive lies here.
SAGEMAKER_MODEL = Path("/opt/ml/model")


def _default_store() -> Path:
    return SAGEMAKER_MODEL if SAGEMAKER_MODEL.is_dir() else default_store()


def _default_host() -> str:
    return "0.0.0.0" if SAGEMAKER_MODEL.is_dir() else "127.0.0.1"


def serve(
    store: Annotated[
        Path,
        typer.Option(
            "--store",
            envvar=STORE_VARIABLE,
            file_okay=False,
            default_factory=_default_store,
            show_default="/opt/ml/model if there is one, else the user's data directory",
            help="Folder of the model store.",
        ),
    ],
    host: Annotated[
        str,
        typer.Option(
            envvar="MEMORABILITY_HOST",
            default_factory=_default_host,
            show_default="127.0.0.1; 0.0.0.0 in a SageMaker container",
            help="Address to listen at. There is no sign-in: whoever reaches it may use it.",
        ),
    ],
    port: Annotated[
        int,
        typer.Option(envvar="SAGEMAKER_BIND_TO_PORT", metavar="PORT", min=0, max=65535, help="Port to listen at."),
    ] = 8080,
    ensemble: Annotated[str, typer.Option(metavar="REF", help="Ensemble or alias; an alias is followed.")] = "live",
    max_batch: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, show_default="the largest compiled", help="Most photos in one batch of the networks."
        ),
    ] = None,
    max_wait_ms: Annotated[
        float,
        typer.Option(metavar="MS", min=0, help="How long a photo waits for company while the networks are idle."),
    ] = 5,
    max_waiting: Annotated[
        int, typer.Option(metavar="N", min=1, help="Photos accepted and not answered; beyond, requests get 503.")
    ] = 128,
    max_lines: Annotated[int, typer.Option(metavar="N", min=1, help="Photos in one request of JSON Lines.")] = 64,
    request_megabytes: Annotated[
        float, typer.Option(metavar="MB", min=0.001, help="Largest request, in MB of 1,000,000 bytes.")
    ] = 64,
    buffered_megabytes: Annotated[
        float, typer.Option(metavar="MB", min=0.001, help="All requests together; beyond, requests get 503.")
    ] = 512,
    max_megabytes: Annotated[float, typer.Option(metavar="MB", min=0.001, help="Largest photo.")] = 25,
    max_megapixels: Annotated[float, typer.Option(metavar="MP", min=0.001, help="Largest photo that is decoded.")] = 50,
    stop_seconds: Annotated[
        float, typer.Option(metavar="S", min=0, help="How long accepted requests may go on after SIGTERM.")
    ] = 25,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        typer.Option(metavar="LEVEL", help="Least that is logged: debug, info, warning or error."),
    ] = "info",
) -> None:
    """Score photos over HTTP: GET /ping, POST /invocations, GET /models, GET /metrics.

    POST an image and get its record, or JSON Lines of {"file": name, "image": base64} and get a record a line.
    SIGTERM finishes what was accepted. Logs are JSON, on standard error.
    """
    try:
        from memorability.serving.logs import log_as_json
        from memorability.serving.rules import ServingRules
        from memorability.serving.server import serve as serve_http
    except ModuleNotFoundError as error:
        raise MemorabilityError(
            f"`memorability serve` needs {error.name}: install memorability with its extra, `memorability[serving]`"
        ) from error
    from model_store.images import ImageLimits
    from model_store.runtime.executables import BATCH_SIZES
    from model_store.store import ModelStore

    try:
        rules = ServingRules(
            ensemble=ensemble,
            max_batch=max_batch or max(BATCH_SIZES),
            max_wait_seconds=max_wait_ms / 1000,
            max_waiting_photos=max_waiting,
            max_lines=max_lines,
            max_request_bytes=round(request_megabytes * 1e6),
            max_buffered_bytes=round(buffered_megabytes * 1e6),
            stop_seconds=stop_seconds,
            limits=ImageLimits(round(max_megabytes * 1e6), round(max_megapixels * 1e6)),
        )
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from error
    log_as_json(log_level)
    serve_http(ModelStore(store), host, port, rules)
