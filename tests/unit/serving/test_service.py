"""From loading to the last answer: readiness, aliases, stopping, and what is told of it all."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from memorability.serving.logs import JsonFormatter
from memorability.serving.rules import ServingRules
from model_store.runtime.serving import REFRESH_SECONDS
from model_store.store import ModelStore, NotFoundError
from model_store.store.layout import PARAMETERS_FILE
from tests.unit.serving.clients import gated, line, png, run, serve, serving, until

SOON_SECONDS = 0.01


@pytest.fixture
def shared_store(published: Path) -> ModelStore:
    return ModelStore(published)


def test_until_the_ensemble_is_loaded_there_is_nothing_to_ask_for(shared_store: ModelStore) -> None:
    async def test() -> None:
        served = serve(shared_store)
        async with served.client as client:
            for answer in (await client.get("/ping"), await client.get("/models"), await served.send(png(0))):
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
                assert answer.json()["detail"] == "live is being loaded; try again"
            async with served.service.running():
                await until(lambda: served.service.ensemble is not None)
                answer = await client.get("/ping")
                assert (answer.status_code, answer.json()) == (200, {"ensemble": "default@1"})

    run(test)


def test_an_ensemble_that_cannot_be_loaded_ends_the_service(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serve(shared_store, ServingRules(ensemble="lost")).service.running():
            await asyncio.Event().wait()

    with pytest.raises(NotFoundError, match="no ensemble or alias lost"):
        run(test)


def test_an_alias_that_moves_is_followed_while_it_serves(store: ModelStore) -> None:
    now = 0.0

    async def test() -> None:
        nonlocal now
        async with serving(store, clock=lambda: now, refresh_seconds=SOON_SECONDS) as served:
            assert (await served.send(png(0))).json()["ensemble"] == "default@1"
            store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
            now += REFRESH_SECONDS
            await until(lambda: served.service.serving().spec.ref == "default@2")
            assert (await served.send(png(0))).json()["ensemble"] == "default@2"
            assert await served.metric('memorability_ensemble_loaded{ensemble="default@2"}') == 1

    run(test)


def test_a_version_that_cannot_be_loaded_is_told_and_the_last_one_goes_on(store: ModelStore) -> None:
    now = 0.0

    async def test() -> None:
        nonlocal now
        async with serving(store, clock=lambda: now, refresh_seconds=SOON_SECONDS) as served:
            store.set_alias("live", store.join_ensemble("default", store.manifest("wide")).ref)
            (store.path("wide") / PARAMETERS_FILE).write_bytes(b"")
            now += REFRESH_SECONDS
            while not await served.metric("memorability_ensemble_refusals_total"):
                await asyncio.sleep(SOON_SECONDS)
            assert (await served.send(png(0))).json()["ensemble"] == "default@1"

    run(test)


def test_stopping_finishes_what_was_accepted_and_takes_nothing_more(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store) as served:
            served.service.ensemble, model = gated(shared_store)
            model.gate.clear()
            accepted = asyncio.create_task(served.send_lines(*(line(png(number)) for number in range(10))))
            await until(lambda: bool(model.batches))
            stopping = asyncio.create_task(served.service.stop())
            await asyncio.sleep(0)
            for answer in (await served.client.get("/ping"), await served.send(png(0))):
                assert (answer.status_code, answer.json()["type"]) == (503, "urn:memorability:problem:stopping")
            assert not stopping.done()
            model.gate.set()
            assert len((await accepted).text.splitlines()) == 10
            await stopping

    run(test)


def test_stopping_does_not_wait_for_ever(shared_store: ModelStore, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serving(shared_store, ServingRules(stop_seconds=0.05)) as served:
            served.service.ensemble, model = gated(shared_store)
            model.gate.clear()
            accepted = asyncio.create_task(served.send(png(0)))
            await until(lambda: bool(model.batches))
            await served.service.stop()
            assert not accepted.done()
            model.gate.set()
            await accepted

    run(test)
    assert "1 requests are not finished after 0.05 s" in caplog.text


def test_models_are_told_with_their_terms(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store) as served:
            content = (await served.client.get("/models")).json()
        assert content["ensemble"]["ref"] == "default@1"
        assert content["ensemble"]["measures"]["hit_rate"] == {
            "members": ["first@1", "second@1"],
            "reference": {"description": "a straight line from 0.4 to 0.9", "n": 1000},
        }
        assert content["ensemble"]["measures"]["false_alarm_rate"]["reference"] is None
        first = content["models"][0]
        assert (first["ref"], first["licence"]["commercial_use"]) == ("first@1", False)
        assert first["citation"] == "Somebody et al. 2021"
        assert first["performance"][0]["spearman"] == 0.5

    run(test)


def test_metrics_count_requests_photos_and_batches(shared_store: ModelStore) -> None:
    async def test() -> None:
        async with serving(shared_store) as served:
            await served.send_lines(line(png(0)), line(b"x"), line(b""))
            await served.client.get("/of/all/sorts?of=names")
            for name, value in {
                'memorability_requests_total{path="/invocations",status="200"}': 1,
                'memorability_requests_total{path="other",status="404"}': 1,
                'memorability_photos_total{outcome="scored"}': 1,
                'memorability_photos_total{outcome="unreadable_image"}': 1,
                'memorability_photos_total{outcome="empty_file"}': 1,
                "memorability_batch_photos_sum": 1,
                "memorability_waiting_photos": 0,
            }.items():
                assert await served.metric(name) == value, name
            assert await served.metric("memorability_model_seconds_total") > 0
            assert await served.metric('memorability_request_seconds_sum{path="/invocations"}') > 0

    run(test)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"x-request-id": "mine"}, "mine"),
        ({"x-amzn-sagemaker-inference-id": "theirs"}, "theirs"),
        ({"x-request-id": "x" * 200}, "x" * 128),
        ({"x-request-id": "a\tb"}, None),
        ({}, None),
    ],
)
def test_a_request_is_logged_as_json_under_its_id(
    shared_store: ModelStore, caplog: pytest.LogCaptureFixture, given: dict[str, str], kept: str | None
) -> None:
    caplog.set_level(logging.INFO, "memorability")

    async def test() -> str:
        async with serving(shared_store) as served:
            return (await served.send_lines(line(png(0)), line(b"x"), **given)).headers["x-request-id"]

    request_id = run(test)

    assert request_id == kept or (kept is None and len(request_id) == 32)
    (logged,) = (record for record in caplog.records if record.name.endswith("request_log"))
    fields = json.loads(JsonFormatter().format(logged))
    assert (fields["message"], fields["status"], fields["request_id"]) == ("POST /invocations", 200, request_id)
    assert (fields["photos"], fields["failed"]) == (2, 1)


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.LogRecord(
            "memorability", logging.ERROR, "", 0, "it %s", ("failed",), (type(error), error, error.__traceback__)
        )
    text = JsonFormatter().format(record)

    assert "\n" not in text
    assert json.loads(text)["message"] == "it failed"
    assert "ValueError: broken" in json.loads(text)["exception"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"max_lines": 200}, "128 waiting photos are fewer than the 200 of one request"),
        ({"max_request_bytes": 10**9}, "512 MB for all requests are less than the 1000 MB of one"),
        ({"max_batch": 0}, "must be at least 1"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(rules: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ServingRules(**rules)  # type: ignore[arg-type]
