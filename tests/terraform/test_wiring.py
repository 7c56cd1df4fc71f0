"""Follows the wires of the planned platform, those above all that an emulator drops."""

import json
from pathlib import Path

import pytest

from functions.api.wiring import ApiSettings
from functions.publish.settings import BundleSettings
from functions.publish.wiring import PublishSettings
from functions.score.wiring import ScoreSettings
from model_store.settings import PREFIX, Settings
from tests.terraform.plan import Plan, Values
from tests.terraform.wires import (
    FUNCTIONS,
    HEATMAPS,
    JOBS,
    MANIFEST,
    PUBLISHER,
    RUNTIME_PATH,
    UPLOADS,
    access_point,
    condition,
    environment,
    every_function,
    function,
)

SETTINGS: list[tuple[str, type[Settings]]] = [
    ("score", ScoreSettings),
    ("publish", PublishSettings),
    ("api", ApiSettings),
]


class TestVolume:
    @every_function
    def test_function_mounts_its_access_point(self, queued: Plan, name: str) -> None:
        (mount,) = function(queued, name)["file_system_config"]

        assert mount["arn"] == access_point(queued, name)["arn"]
        assert mount["local_mount_path"] == environment(queued, name)["MEMORABILITY_STORE"]

    @every_function
    def test_only_the_publisher_may_write(self, queued: Plan, name: str) -> None:
        module = f"module.{name}" + ("[0]" if name == "api" else "")
        grant = queued.statements(f"{module}.data.aws_iam_policy_document.platform")["MountVolume"]

        assert ("elasticfilesystem:ClientWrite" in grant["actions"]) == (name == PUBLISHER)
        assert condition(grant, "elasticfilesystem:AccessPointArn") == [access_point(queued, name)["arn"]]

    def test_reader_and_publisher_see_one_folder_as_different_users(self, queued: Plan) -> None:
        reader, publisher = access_point(queued, "score"), access_point(queued, PUBLISHER)

        assert reader["root_directory"] == publisher["root_directory"]
        assert reader["posix_user"][0]["uid"] != publisher["posix_user"][0]["uid"]
        assert publisher["root_directory"][0]["creation_info"][0]["permissions"] == "0755"

    def test_functions_and_workers_are_in_the_groups_that_may_mount_and_call(self, queued: Plan) -> None:
        members = [function(queued, name)["vpc_config"][0]["security_group_ids"] for name in FUNCTIONS]
        (interface,) = queued["module.heatmap_workers[0].aws_launch_template.worker"]["network_interfaces"]
        groups = {
            queued["module.network[0].aws_security_group.aws_clients"]["id"],
            queued["module.model_volume.aws_security_group.clients"]["id"],
        }

        assert [set(found) for found in [*members, interface["security_groups"]]] == [groups] * 4


class TestEnvironment:
    @pytest.mark.parametrize(("name", "settings"), SETTINGS)
    def test_settings_of_the_function_read_all_of_it(self, queued: Plan, name: str, settings: type[Settings]) -> None:
        settings.read(environment(queued, name))

        assert ours(environment(queued, name)) == {field.alias for field in settings.model_fields.values()}

    def test_publisher_needs_no_more_to_install_bundles(self, queued: Plan) -> None:
        settings = BundleSettings.read(environment(queued, PUBLISHER))

        assert settings.in_use == {MANIFEST["runtime"]["digest"]}

    @every_function
    def test_dependencies_come_from_the_bundle_on_the_volume(self, queued: Plan, name: str) -> None:
        assert environment(queued, name)["PYTHONPATH"] == RUNTIME_PATH

    @every_function
    def test_metrics_of_two_deployments_are_told_apart(self, queued: Plan, name: str) -> None:
        assert environment(queued, name)["POWERTOOLS_SERVICE_NAME"] == f"demo-{name}"

    @every_function
    def test_package_is_taken_by_its_hash(self, queued: Plan, name: str) -> None:
        planned = function(queued, name)

        assert planned["source_code_hash"] == MANIFEST[name]["sha256_base64"]
        assert Path(planned["filename"]).name == Path(MANIFEST[name]["path"]).name
        assert planned["handler"] == f"functions.{name}.handler.handle"

    def test_buckets_and_queues_are_those_that_the_roles_may_use(self, queued: Plan) -> None:
        found = environment(queued, "api")

        assert found["MEMORABILITY_UPLOADS_BUCKET"] == queued[f"{UPLOADS}.aws_s3_bucket.this"]["bucket"]
        assert found["MEMORABILITY_HEATMAPS_BUCKET"] == queued[f"{HEATMAPS}.aws_s3_bucket.this"]["bucket"]
        assert found["MEMORABILITY_JOBS_QUEUE_URL"] == queued[f"{JOBS}.aws_sqs_queue.this"]["url"]


class TestPage:
    @pytest.mark.parametrize(("run", "expected"), [("everything_through_the_queue", True), ("without_workers", False)])
    def test_heatmaps_are_offered_where_there_are_workers(
        self, plans: dict[str, Plan], run: str, expected: bool
    ) -> None:
        settings = json.loads(plans[run]["module.web_app[0].aws_s3_object.settings"]["content"])

        assert settings["heatmaps"] is expected


class TestQueues:
    def test_messages_stay_hidden_for_six_timeouts(self, queued: Plan) -> None:
        mapping = queued.only("aws_lambda_event_source_mapping")
        queue = queued.only("aws_sqs_queue", arn=mapping["event_source_arn"])
        alias = queued.only("aws_lambda_alias", arn=mapping["function_name"])
        consumer = queued.only("aws_lambda_function", function_name=alias["function_name"])

        assert queue["visibility_timeout_seconds"] >= 6 * consumer["timeout"]

    def test_failures_outlive_the_work(self, queued: Plan) -> None:
        work = [queue for queue in queued.of_type("aws_sqs_queue").values() if failure_queue_arn(queue)]

        assert {queue["name"] for queue in work} == {"demo-score", "demo-heatmap-jobs"}
        for queue in work:
            failures = queued.only("aws_sqs_queue", arn=failure_queue_arn(queue))
            allowed = queued.only("aws_sqs_queue_redrive_allow_policy", queue_url=failures["url"])
            assert failures["name"].endswith("-failures")
            assert failures["message_retention_seconds"] > queue["message_retention_seconds"]
            assert json.loads(allowed["redrive_allow_policy"])["sourceQueueArns"] == [queue["arn"]]

    @pytest.mark.parametrize(("name", "queue"), [("score", "score-failures"), ("publish", "publish-failures")])
    def test_failed_events_are_caught(self, direct: Plan, name: str, queue: str) -> None:
        caught = [
            config
            for config in direct.of_type("aws_lambda_function_event_invoke_config").values()
            if config["function_name"] == f"demo-{name}"
        ]

        assert {config["qualifier"] for config in caught} == {"live", None}
        for config in caught:
            destination = config["destination_config"][0]["on_failure"][0]["destination"]
            assert direct.only("aws_sqs_queue", arn=destination)["name"] == f"demo-{queue}"

    def test_direct_uploads_call_the_alias(self, direct: Plan) -> None:
        (call,) = direct["module.image_intake.aws_s3_bucket_notification.uploads"]["lambda_function"]

        assert call["lambda_function_arn"] == "arn:aws:lambda:eu-west-1:111122223333:function:demo-score:live"
        assert call["filter_prefix"] == "uploads/"
        assert not direct.of_type("aws_lambda_event_source_mapping")


def ours(variables: dict[str, str]) -> set[str]:
    return {name for name in variables if name.startswith(PREFIX)}


def failure_queue_arn(queue: Values) -> str | None:
    """Where a queue's failed messages go; for a queue that says nothing, the mock makes up a text."""
    policy = queue["redrive_policy"] or ""
    arn: str | None = json.loads(policy)["deadLetterTargetArn"] if policy.startswith("{") else None
    return arn
