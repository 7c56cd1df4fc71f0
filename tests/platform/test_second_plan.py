"""A plan right after the application differs in nothing but what the emulator forgets."""

from fnmatch import fnmatch

from scripts.local_platform.platform import LocalPlatform

# What the emulator does not tell of the resources that it keeps, so that Terraform wants to set it again, and why.
ARTEFACTS: dict[str, set[str]] = {
    # Asked in AWS's query protocol, it tells an alarm's name, state, metric and threshold.
    "*.aws_cloudwatch_metric_alarm.*": {
        "actions_enabled",
        "alarm_actions",
        "alarm_description",
        "dimensions",
        "extended_statistic",
        "ok_actions",
        "period",
        "statistic",
        "treat_missing_data",
    },
    # It tells of an endpoint where it is, not who may use it.
    "module.network[0].aws_vpc_endpoint.*": {"policy", "private_dns_enabled", "security_group_ids"},
    # It tells of a flow log neither role nor interval, which AWS cannot change: Terraform would make it anew.
    "module.network[0].aws_flow_log.refused": {
        "arn",
        "deliver_cross_account_role",
        "iam_role_arn",
        "id",
        "log_format",
        "log_group_name",
        "max_aggregation_interval",
        "tags",
        "tags_all",
    },
    # It adds an Id to the policy.
    "module.model_volume.aws_efs_file_system_policy.store": {"policy"},
    # It forgets a template's security groups, and counts a version for each application.
    "module.heatmap_workers[0].aws_launch_template.worker": {"default_version", "latest_version", "network_interfaces"},
    # Groups of mixed instances are names to it.
    "module.heatmap_workers[0].aws_autoscaling_group.workers": {
        "capacity_rebalance",
        "capacity_reservation_specification",
        "default_instance_warmup",
        "max_instance_lifetime",
        "mixed_instances_policy",
    },
    # It tells of a version of events, which authorizers by token do not have.
    "module.web_app[0].aws_apigatewayv2_authorizer.users": {"authorizer_payload_format_version"},
    # It tells of headers to be removed, none of them, where AWS is silent.
    "module.web_app[0].aws_cloudfront_response_headers_policy.page": {"remove_headers_config"},
    # It names the group that is about to change.
    "module.heatmap_workers[0].aws_iam_role_policy.own_fleet": {"policy"},
}


def test_second_plan_differs_in_what_the_emulator_forgets_only(platform: LocalPlatform) -> None:
    differences = platform.terraform.differences()

    unexplained = {address: found - forgotten(address) for address, found in differences.items()}
    assert not {address: found for address, found in unexplained.items() if found}
    assert not [pattern for pattern in ARTEFACTS if not any(matches(address, pattern) for address in differences)]


def forgotten(address: str) -> set[str]:
    return set().union(*(attributes for pattern, attributes in ARTEFACTS.items() if matches(address, pattern)))


def matches(address: str, pattern: str) -> bool:
    return fnmatch(address, pattern.replace("[", "[[]"))
