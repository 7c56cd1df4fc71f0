"""Deployments beside each other, of other kinds, and on an emulator."""

from typing import Any

from tests.terraform.plan import Plan
from tests.terraform.wires import FUNCTIONS, RUNTIME_PATH, environment

UNIQUE_IN_AN_ACCOUNT = {
    "aws_apigatewayv2_api": "name",
    "aws_autoscaling_group": "name",
    "aws_cloudfront_origin_access_control": "name",
    "aws_cloudfront_response_headers_policy": "name",
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_log_group": "name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
    "aws_cognito_user_pool_domain": "domain",
    "aws_dynamodb_table": "name",
    "aws_efs_file_system": "creation_token",
    "aws_iam_instance_profile": "name",
    "aws_iam_role": "name",
    "aws_kms_alias": "name",
    "aws_lambda_function": "function_name",
    "aws_launch_template": "name",
    "aws_s3_bucket": "bucket",
    "aws_security_group": "name",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
}


def test_two_fit_in_one_account(plans: dict[str, Plan]) -> None:
    assert not names(plans["everything_through_the_queue"]) & names(plans["another_deployment_in_the_account"])


def test_all_names_carry_the_prefix(queued: Plan) -> None:
    assert not [name for name in names(queued) if "demo" not in name]


def test_cpu_workers_change_the_types_and_nothing_else(plans: dict[str, Plan]) -> None:
    group = plans["another_deployment_in_the_account"]["module.heatmap_workers[0].aws_autoscaling_group.workers"]
    (template,) = group["mixed_instances_policy"][0]["launch_template"]

    assert [override["instance_type"] for override in template["override"]] == ["c7i.2xlarge"]
    assert group["max_size"] == 4


def test_emulator_differs_in_tls_store_and_prefix_lists_only(plans: dict[str, Plan]) -> None:
    real, emulated = plans["everything_through_the_queue"], plans["on_an_emulator"]
    lost = real.resources.keys() - emulated.resources.keys()

    assert {real.kinds[address] for address in lost} <= {
        "aws_s3_bucket_policy",
        "aws_sqs_queue_policy",
        "aws_vpc_security_group_egress_rule",
    }
    assert not emulated.resources.keys() - real.resources.keys()
    for name in FUNCTIONS:
        assert environment(emulated, name) == environment(real, name) | {
            "MEMORABILITY_STORE": "/srv/store",
            "PYTHONPATH": RUNTIME_PATH.replace("/mnt/store", "/srv/store"),
        }


def names(plan: Plan) -> set[Any]:
    """The names that must be unique in an account or in the world."""
    return {
        values[attribute] for kind, attribute in UNIQUE_IN_AN_ACCOUNT.items() for values in plan.of_type(kind).values()
    }
