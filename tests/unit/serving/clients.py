"""A service over tiny models, and a client of its application, in one event loop."""

import asyncio
import base64
import io
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
import numpy as np
from PIL import Image

from memorability.serving.app import create_app
from memorability.serving.metrics import ServingMetrics
from memorability.serving.rules import ServingRules
from memorability.serving.service import ScoringService
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble
from model_store.runtime.loading import LoadedModel
from model_store.runtime.serving import EnsembleServer
from model_store.store import Manifest, ModelStore

TIMEOUT_SECONDS = 20
LINES = {"content-type": "application/jsonlines"}
PNG = {"content-type": "image/png"}


def run[Result](test: Callable[[], Awaitable[Result]]) -> Result:
    """Runs an asynchronous test, which may not take for ever."""

    async def in_time() -> Result:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await test()

    return asyncio.run(in_time())


def png(number: int) -> bytes:
    """A picture that no other number gives, `number` pixels wider than 20."""
    pixels = np.random.default_rng(number).integers(0, 256, (30, 20 + number, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def line(image: bytes | str, **fields: Any) -> str:
    """One line of a request; text is taken for base64."""
    encoded = image if isinstance(image, str) else base64.b64encode(image).decode()
    return json.dumps(fields | {"image": encoded})


@dataclass
class Served:
    """A service and a client of it."""

    service: ScoringService
    client: httpx.AsyncClient

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Posts an image."""
        return await self.client.post("/invocations", content=body, headers=PNG | headers)

    async def send_lines(self, *lines: str, **headers: str) -> httpx.Response:
        """Posts JSON Lines."""
        return await self.client.post("/invocations", content="\n".join(lines), headers=LINES | headers)

    async def metric(self, name: str) -> float:
        """A sample of the metrics by name and labels."""
        text = (await self.client.get("/metrics")).text
        return next(float(text.rpartition(" ")[2]) for text in text.splitlines() if text.startswith(f"{name} "))


def serve(store: ModelStore, rules: ServingRules | None = None, **options: Any) -> Served:
    """A service that does not run yet, with a client; `options` are those of `EnsembleServer` and `ScoringService`."""
    metrics = ServingMetrics()
    clock = options.pop("clock", lambda: 0.0)
    ensembles = EnsembleServer(store, on_refusal=lambda _serving, _error: metrics.count_refusal(), clock=clock)
    service = ScoringService(ensembles, rules or ServingRules(), metrics, **options)
    transport = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
    return Served(service, httpx.AsyncClient(transport=transport, base_url="http://server"))


@asynccontextmanager
async def serving(store: ModelStore, rules: ServingRules | None = None, **options: Any) -> AsyncIterator[Served]:
    """A service that runs and has its ensemble."""
    served = serve(store, rules, **options)
    async with served.client, served.service.running():
        await until(lambda: served.service.ensemble is not None)
        yield served


async def until(condition: Callable[[], bool]) -> None:
    """Returns when something is the case."""
    while not condition():
        await asyncio.sleep(0.002)


class GatedModel:
    """Takes the place of a model: notes how many images it is shown at a time, and waits until its gate is open."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        assert self.gate.wait(TIMEOUT_SECONDS)
        if self.error:
            raise self.error
        return np.full(len(images), 0.5, np.float32)


def gated(store: ModelStore, ref: str = "first") -> tuple[LoadedEnsemble, GatedModel]:
    """An ensemble of one gated model."""
    spec = EnsembleSpec.of_model(store, ref)
    model = GatedModel(store.manifest(ref))
    return LoadedEnsemble(spec, {spec.ref: cast(LoadedModel, model)}), model
