"""What requests are answered, whole or photo by photo."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from memorability.serving.app import create_app
from memorability.serving.rules import ServingRules
from model_store.images import ImageLimits
from model_store.records import ScoredRecord, parse_record
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import Photo, Scorer
from model_store.store import ModelStore
from tests.unit.serving.clients import LINES, Served, gated, line, png, run, serve, serving, until
from tests.unit.tiny_models import SCORE_TOLERANCE


@pytest.fixture
def shared_store(published: Path) -> ModelStore:
    """The store of tiny models, only to be read."""
    return ModelStore(published)


def scores(record: Any) -> dict[str, float]:
    assert isinstance(record, ScoredRecord)
    return {str(measure): result.score for measure, result in record.measures.items()}


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert set(content) == {"type", "title", "status", "detail"}
    assert content["status"] == answer.status_code
    return content


@pytest.mark.parametrize("media_type", ["image/png", "application/octet-stream", "Image/JPEG; q=1"])
def test_an_image_gives_the_record_that_the_command_gives(shared_store: ModelStore, media_type: str) -> None:
    async def test() -> httpx.Response:
        async with serving(shared_store) as served:
            return await served.send(png(7), **{"content-type": media_type})

    answer = run(test)

    (expected,) = Scorer(EnsembleSpec.of_ensemble(shared_store, "live")).score([Photo("photo", partial(png, 7))])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    record = parse_record(answer.content)
    assert scores(record) == pytest.approx(scores(expected), abs=SCORE_TOLERANCE)
    assert (record.width, record.height, record.ensemble) == (27, 30, "default@1")  # type: ignore[union-attr]


def test_lines_give_a_record_each_in_their_order_and_bad_ones_fail_alone(shared_store: ModelStore) -> None:
    lines = [
        line(png(1), file="a.png"),
        line(b"no picture", file="b.png"),
        line(png(2)),
        "",
        line("§ no base64 §", file="c.png"),
        line(b"", file="d.png"),
        line(png(3), file="ü ☃.png"),
    ]

    async def test() -> httpx.Response:
        async with serving(shared_store) as served:
            return await served.send_lines(*lines)

    answer = run(test)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonlines")
    records = [parse_record(text) for text in answer.text.splitlines()]
    outcomes = [(record.file, getattr(getattr(record, "error", None), "code", "scored")) for record in records]
    assert outcomes == [
        ("a.png", "scored"),
        ("b.png", "unreadable_image"),
        ("photo 3", "scored"),
        ("c.png", "unreadable_image"),
        ("d.png", "empty_file"),
        ("ü ☃.png", "scored"),
    ]
    assert [getattr(record, "width", None) for record in records] == [21, None, 22, None, None, 23]


def test_many_clients_share_batches_and_each_gets_its_own(shared_store: ModelStore) -> None:
    async def test() -> float:
        async with serving(shared_store, ServingRules(max_wait_seconds=0.2)) as served:
            answers = await asyncio.gather(*(served.send(png(number)) for number in range(16)))
            assert [answer.json()["width"] for answer in answers] == [20 + number for number in range(16)]
            assert await served.metric("memorability_batch_photos_sum") == 16
            return await served.metric("memorability_batch_photos_count")

    assert run(test) <= 4


RULES = ServingRules(max_lines=2, max_waiting_photos=2, max_request_bytes=6000, max_buffered_bytes=10_000)


@pytest.mark.parametrize(
    ("content", "headers", "status", "kind", "detail"),
    [
        (b"x" * 6001, {}, 413, "request-too-large", "a request may have 0.006 MB; send fewer photos"),
        (
            f"{line(b'x')}\n" * 3,
            LINES,
            413,
            "too-many-photos",
            "has 3 lines and may have 2; send the photos in several",
        ),
        (b"x", {"content-type": "text/html"}, 415, "unsupported-media-type", "text/html is not read here; send image/"),
        (b"x", {"content-type": ""}, 415, "unsupported-media-type", "no content type is not read here"),
        (" \n", LINES, 400, "no-photos", "send one JSON object a photo"),
        ("\n{nonsense", LINES, 400, "malformed-line", "line 2 is not {"),
        ('{"image": "eA==", "name": "x"}', LINES, 400, "malformed-line", "name: Extra inputs are not permitted"),
        ('{"file": "x"}', LINES, 400, "malformed-line", "image: Field required"),
        ('{"file": "", "image": ""}', LINES, 400, "malformed-line", "file: String should have at least 1 character"),
        (b'\xff{"image": ""}', LINES, 400, "malformed-line", "line 1 is not"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_is_one_problem(
    shared_store: ModelStore, content: bytes | str, headers: dict[str, str], status: int, kind: str, detail: str
) -> None:
    async def test() -> httpx.Response:
        async with serving(shared_store, RULES) as served:
            answer = await served.client.post(
                "/invocations", content=content, headers={"content-type": "image/png"} | headers
            )
            assert (await served.send(png(0))).json()["status"] == "scored"
            return answer

    answer = run(test)

    assert answer.status_code == status
    assert problem(answer)["type"] == f"urn:memorability:problem:{kind}"
    assert detail in problem(answer)["detail"]


def test_a_photo_over_its_own_limits_fails_alone(shared_store: ModelStore) -> None:
    async def test() -> list[str]:
        async with serving(shared_store, ServingRules(limits=ImageLimits(max_pixels=30 * 20))) as served:
            answer = await served.send_lines(line(png(1)), line(png(0)))
            return [json.loads(text).get("error", {}).get("code", "scored") for text in answer.text.splitlines()]

    assert run(test) == ["image_too_large", "scored"]


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nothing", 404, "not-found"), ("GET", "/invocations", 405, "method-not-allowed")],
)
def test_what_is_not_there_is_a_problem_too(
    shared_store: ModelStore, method: str, path: str, status: int, kind: str
) -> None:
    async def test() -> httpx.Response:
        async with serve(shared_store).client as client:
            return await client.request(method, path)

    answer = run(test)

    assert answer.status_code == status
    assert problem(answer)["type"].endswith(kind)


async def dribble(count: int, delay: float = 0) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(count):
        await asyncio.sleep(delay)
        yield b"x" * 1000


def test_a_body_of_unknown_size_is_counted_while_it_comes(shared_store: ModelStore) -> None:
    async def test() -> list[int]:
        async with serving(shared_store, RULES) as served:
            answers = [
                await served.client.post("/invocations", content=dribble(count), headers={"content-type": "image/png"})
                for count in (3, 7)
            ]
        return [answer.status_code for answer in answers]

    assert run(test) == [200, 413]


def test_a_body_that_comes_too_slowly_is_given_up(shared_store: ModelStore) -> None:
    async def test() -> httpx.Response:
        async with serving(shared_store, ServingRules(body_seconds=0.05)) as served:
            return await served.client.post(
                "/invocations", content=dribble(100, 0.02), headers={"content-type": "image/png"}
            )

    assert problem(run(test))["type"].endswith("request-too-slow")


def test_a_full_queue_refuses_at_once_and_takes_more_when_it_is_empty_again(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store, RULES) as served:
            served.service.ensemble, model = gated(shared_store)
            model.gate.clear()
            accepted = asyncio.create_task(served.send_lines(line(png(0)), line(png(1))))
            await until(lambda: bool(model.batches))
            refused = await served.send(png(2))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert "2 photos are waiting; try again in 1 s" in problem(refused)["detail"]
            assert await served.metric("memorability_waiting_photos") == 2
            model.gate.set()
            assert (await accepted).status_code == 200
            assert (await served.send(png(2))).status_code == 200

    run(test)


def test_bodies_of_all_requests_together_are_limited(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store, RULES) as served:
            arriving = asyncio.create_task(
                served.client.post("/invocations", content=dribble(1, 0.1), headers={"content-type": "image/png"})
            )
            await asyncio.sleep(0.02)  # it may have 6,000 of the 10,000 bytes, as it does not say how many it has
            refused = await served.send(b"x" * 4001)
            assert (refused.status_code, problem(refused)["type"]) == (503, "urn:memorability:problem:busy")
            assert (await served.send(b"x" * 4000)).status_code == 200
            assert (await arriving).status_code == 200

    run(test)


def test_a_fault_is_told_as_one_and_the_next_request_is_served(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store) as served:
            served.service.ensemble, model = gated(shared_store)
            model.error = RuntimeError("out of memory")
            answer = await served.send(png(0))
            assert (answer.status_code, problem(answer)["type"]) == (500, "urn:memorability:problem:fault")
            assert "out of memory" not in answer.text
            model.error = None
            assert (await served.send(png(0))).status_code == 200

    run(test)


def test_photos_of_a_client_that_left_are_not_scored(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store) as served:
            served.service.ensemble, model = gated(shared_store)
            model.gate.clear()
            staying = asyncio.create_task(served.send(png(0)))
            await until(lambda: model.batches == [1])
            await leave_after_sending(served, png(1))
            model.gate.set()
            assert (await staying).status_code == 200
            assert (await served.send(png(2))).status_code == 200
            assert model.batches == [1, 1]
            assert await served.metric('memorability_requests_total{path="/invocations",status="499"}') == 1

    run(test)


async def leave_after_sending(served: Served, body: bytes) -> None:
    """A client that sends an image and closes the connection."""
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(_message: Any) -> None:
        return

    headers = [(b"content-type", b"image/png"), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": headers, "query_string": b""}
    await create_app(served.service)(scope, receive, send)
