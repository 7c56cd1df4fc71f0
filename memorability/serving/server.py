"""Binds the port, serves, and stops as it is told to."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from memorability.serving.app import create_app
from memorability.serving.metrics import ServingMetrics
from memorability.serving.rules import ServingRules
from memorability.serving.service import ScoringService
from model_store.errors import MemorabilityError
from model_store.runtime.serving import EnsembleServer
from model_store.store import ModelStore

logger = logging.getLogger(__name__)

# Answers that are being sent when everything is scored.
_LAST_ANSWERS_SECONDS = 3


class ServingError(MemorabilityError):
    """The server cannot start."""


def serve(store: ModelStore, host: str, port: int, rules: ServingRules) -> None:
    """Serves until SIGTERM or SIGINT; what was accepted by then is finished.

    Args:
        store: where the ensemble is.
        host: address to listen at.
        port: 0 takes any that is free; the log says which.
        rules: limits and habits.

    Raises:
        ServingError: nothing can listen there.
        StoreError: the ensemble cannot be loaded.
    """
    with _listen(host, port) as listener:
        asyncio.run(_serve(store, listener, rules))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ServingError(
            f"nothing can listen at {host} port {port}: {reason}; name others: --host, --port"
        ) from error


async def _serve(store: ModelStore, listener: socket.socket, rules: ServingRules) -> None:
    metrics = ServingMetrics()
    ensembles = EnsembleServer(store, on_refusal=lambda _serving, _error: metrics.count_refusal())
    service = ScoringService(ensembles, rules, metrics)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        _stop_on_signals(service, server)  # here, because uvicorn has set its own by now
        address, port, *_ = listener.getsockname()
        logger.info("listening", extra={"facts": {"host": address, "port": port}})
        yield

    server = uvicorn.Server(
        uvicorn.Config(
            create_app(service, lifespan),
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
    )
    async with service.running():
        await server.serve(sockets=[listener])
    logger.info("stopped")


def _stop_on_signals(service: ScoringService, server: uvicorn.Server) -> None:
    """The first signal lets accepted requests finish, the second does not."""
    loop = asyncio.get_running_loop()
    stopping: set[asyncio.Task[None]] = set()

    async def stop() -> None:
        logger.info("stopping")
        await service.stop()
        server.should_exit = True

    def on_signal() -> None:
        server.should_exit = server.force_exit = bool(stopping)
        stopping.add(loop.create_task(stop()))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
