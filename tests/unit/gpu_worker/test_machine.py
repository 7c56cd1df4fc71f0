"""Metadata of an instance, and what the worker makes of it; where there is none it works all the same."""

from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gpu_worker.aws.machine import Fleet, FleetInstance, LoneMachine, find_machine
from gpu_worker.aws.metadata import Metadata, NoMetadataError

FLEET = Fleet("demo-heatmap-workers", "drain")
NOTICE = '{"action": "terminate", "time": "2026-01-01T08:22:00Z"}'


class Service(BaseHTTPRequestHandler):
    """Answers as version 2 of the service does: with a token, or not at all."""

    texts: Mapping[str, str]
    token: str

    def do_PUT(self) -> None:
        assert int(self.headers["X-aws-ec2-metadata-token-ttl-seconds"]) <= 21600
        self._answer(200 if self.path == "/latest/api/token" else 404, self.token)

    def do_GET(self) -> None:
        if self.headers["X-aws-ec2-metadata-token"] != self.token:
            self._answer(401, "")
            return
        text = self.texts.get(self.path.removeprefix("/latest/meta-data/"))
        self._answer(404 if text is None else 200, text or "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


class Instance:
    """An instance whose metadata can be changed."""

    def __init__(self, endpoint: str, service: type[Service]) -> None:
        self.endpoint = endpoint
        self.texts: dict[str, str] = {"instance-id": "i-1"}
        self._service = service
        service.texts = self.texts
        self.renew_token("first")

    def renew_token(self, token: str) -> None:
        self._service.token = token


@pytest.fixture
def instance() -> Iterator[Instance]:
    service = type("OwnService", (Service,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), service)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Instance(f"http://127.0.0.1:{server.server_port}", service)
    server.shutdown()
    thread.join()
    server.server_close()


class FakeAutoscaling:
    """Notes what it is asked; `trouble` is raised."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.trouble: Exception | None = None

    def set_instance_protection(self, **arguments: Any) -> None:
        self._note(arguments)

    def complete_lifecycle_action(self, **arguments: Any) -> None:
        self._note(arguments)

    def _note(self, arguments: dict[str, Any]) -> None:
        self.calls.append(arguments)
        if self.trouble:
            raise self.trouble


@pytest.fixture
def autoscaling() -> FakeAutoscaling:
    return FakeAutoscaling()


@pytest.fixture
def machine(instance: Instance, autoscaling: FakeAutoscaling) -> FleetInstance:
    found = find_machine(Metadata(instance.endpoint), FLEET, autoscaling)
    assert isinstance(found, FleetInstance)
    return found


class TestMetadata:
    def test_what_is_there_is_read(self, instance: Instance) -> None:
        metadata = Metadata(instance.endpoint)

        assert metadata.get("instance-id") == "i-1"
        assert metadata.get("spot/instance-action") is None

    def test_a_token_that_is_too_old_is_renewed(self, instance: Instance) -> None:
        metadata = Metadata(instance.endpoint)
        metadata.get("instance-id")
        instance.renew_token("second")

        assert metadata.get("instance-id") == "i-1"

    def test_a_service_that_is_not_there_is_told(self) -> None:
        with pytest.raises(NoMetadataError, match="there is no instance metadata service"):
            Metadata("http://127.0.0.1:9").get("instance-id")

    def test_the_environment_says_where_it_is_and_whether_to_ask(self, instance: Instance) -> None:
        found = Metadata.of_environment({"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{instance.endpoint}/"})

        assert found
        assert found.get("instance-id") == "i-1"
        assert Metadata.of_environment({"AWS_EC2_METADATA_DISABLED": "true"}) is None


class TestNotices:
    def test_there_is_none_while_all_is_well(self, machine: FleetInstance, instance: Instance) -> None:
        instance.texts["autoscaling/target-lifecycle-state"] = "InService"

        assert machine.notice() is None

    def test_a_spot_interruption(
        self, machine: FleetInstance, instance: Instance, autoscaling: FakeAutoscaling
    ) -> None:
        instance.texts["spot/instance-action"] = NOTICE

        assert machine.notice() == "the spot instance is interrupted: terminate at 2026-01-01T08:22:00Z"
        machine.release()
        assert not autoscaling.calls, "no hook waits for it"

    def test_the_end_that_the_fleet_wants_is_waited_for_and_allowed(
        self, machine: FleetInstance, instance: Instance, autoscaling: FakeAutoscaling
    ) -> None:
        instance.texts["autoscaling/target-lifecycle-state"] = "Terminated"

        assert machine.notice() == "demo-heatmap-workers ends this instance"
        machine.release()
        assert autoscaling.calls == [
            {
                "LifecycleHookName": "drain",
                "AutoScalingGroupName": "demo-heatmap-workers",
                "InstanceId": "i-1",
                "LifecycleActionResult": "CONTINUE",
            }
        ]

    def test_a_service_that_stops_answering_ends_nothing(
        self, autoscaling: FakeAutoscaling, caplog: pytest.LogCaptureFixture
    ) -> None:
        machine = FleetInstance(Metadata("http://127.0.0.1:9"), autoscaling, FLEET, "i-1")

        assert machine.notice() is None
        assert "nobody knows whether this instance is going to end" in caplog.text


class TestProtection:
    def test_it_is_asked_for_only_when_it_changes(self, machine: FleetInstance, autoscaling: FakeAutoscaling) -> None:
        for busy in (False, True, True, False):
            machine.protect(busy=busy)

        assert [call["ProtectedFromScaleIn"] for call in autoscaling.calls] == [False, True, False]
        assert autoscaling.calls[0]["InstanceIds"] == ["i-1"]

    def test_what_is_refused_is_asked_for_again(self, machine: FleetInstance, autoscaling: FakeAutoscaling) -> None:
        autoscaling.trouble = RuntimeError("the instance is not in service")
        machine.protect(busy=True)
        autoscaling.trouble = None
        machine.protect(busy=True)

        assert len(autoscaling.calls) == 2


class TestElsewhere:
    @pytest.mark.parametrize(
        ("metadata", "fleet"), [(None, FLEET), (Metadata("http://127.0.0.1:9"), FLEET), (Metadata(), None)]
    )
    def test_nobody_has_a_say_over_a_machine_that_is_none_of_a_fleet(
        self, metadata: Metadata | None, fleet: Fleet | None, autoscaling: FakeAutoscaling
    ) -> None:
        machine = find_machine(metadata, fleet, autoscaling)
        machine.protect(busy=True)
        machine.release()

        assert isinstance(machine, LoneMachine)
        assert machine.notice() is None
        assert not autoscaling.calls

    def test_an_instance_without_a_name_is_none(self, instance: Instance, autoscaling: FakeAutoscaling) -> None:
        del instance.texts["instance-id"]

        assert isinstance(find_machine(Metadata(instance.endpoint), FLEET, autoscaling), LoneMachine)
