"""A role may do what Terraform grants it, and nothing else."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.platform.platform_client import PlatformClient

type Call = Callable[[Callable[[str], Any], PlatformClient], object]

REFUSED: dict[str, tuple[str, Call]] = {
    "score may not write photos": (
        "score",
        lambda of, client: of("s3").put_object(Bucket=client.deployment["uploads_bucket"], Key="uploads/a/b/c.jpg"),
    ),
    "score may not read models": (
        "score",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    ),
    "score may not delete records": (
        "score",
        lambda of, client: of("dynamodb").delete_item(
            TableName=client.deployment["results_table"], Key={"pk": {"S": "TENANT#a#BATCH#b"}, "sk": {"S": "BATCH"}}
        ),
    ),
    "score may not ask for heatmaps": (
        "score",
        lambda of, client: of("sqs").send_message(QueueUrl=client.deployment["jobs_queue_url"], MessageBody="{}"),
    ),
    "publish may not read photos": (
        "publish",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.deployment["uploads_bucket"]),
    ),
    "publish may not upload models": (
        "publish",
        lambda of, client: of("s3").put_object(Bucket=client.outputs["artefacts_bucket"], Key="models/a/1/x"),
    ),
    "publish may not read all records": (
        "publish",
        lambda of, client: of("dynamodb").scan(TableName=client.deployment["results_table"]),
    ),
    "workers may not write photos": (
        "heatmap_workers",
        lambda of, client: of("s3").put_object(Bucket=client.deployment["uploads_bucket"], Key="uploads/a/b/c.jpg"),
    ),
    "workers may not read models": (
        "heatmap_workers",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    ),
    "api may not read all records": (
        "api",
        lambda of, client: of("dynamodb").scan(TableName=client.deployment["results_table"]),
    ),
    "api may not change records in place": (
        "api",
        lambda of, client: of("dynamodb").update_item(
            TableName=client.deployment["results_table"], Key={"pk": {"S": "TENANT#a#BATCH#b"}, "sk": {"S": "BATCH"}}
        ),
    ),
    "api may not read models": (
        "api",
        lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    ),
    "api may not upload models": (
        "api",
        lambda of, client: of("s3").put_object(Bucket=client.outputs["artefacts_bucket"], Key="models/a/1/x"),
    ),
    "api may not take heatmap jobs": (
        "api",
        lambda of, client: of("sqs").receive_message(QueueUrl=client.deployment["jobs_queue_url"]),
    ),
    "api may not delete heatmap jobs": (
        "api",
        lambda of, client: of("sqs").delete_message(QueueUrl=client.deployment["jobs_queue_url"], ReceiptHandle="x"),
    ),
    "api may not write heatmaps": (
        "api",
        lambda of, client: of("s3").put_object(Bucket=client.outputs["heatmaps_bucket"], Key="heatmaps/a/b/c.png"),
    ),
    "api may not write anywhere but among uploads": (
        "api",
        lambda of, client: of("s3").put_object(Bucket=client.deployment["uploads_bucket"], Key="others/a/b/c.jpg"),
    ),
    "workers may not take photos from the queue": (
        "heatmap_workers",
        lambda of, client: of("sqs").receive_message(QueueUrl=client.outputs["score_queue"]["url"]),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_roles_are_refused_what_they_were_not_granted(client: PlatformClient, what: str) -> None:
    role, call = REFUSED[what]
    with pytest.raises(ClientError) as refusal:
        call(client_as(client, role), client)
    assert refusal.value.response["Error"]["Code"].startswith("AccessDenied")


# One call of each role, so that what is refused above is not refused to roles that may do nothing at all.
GRANTED: dict[str, Call] = {
    "score": lambda of, client: of("s3").list_objects_v2(Bucket=client.deployment["uploads_bucket"]),
    "publish": lambda of, client: of("s3").list_objects_v2(Bucket=client.outputs["artefacts_bucket"]),
    "api": lambda of, client: of("dynamodb").get_item(
        TableName=client.deployment["results_table"], Key={"pk": {"S": "TENANT#a#BATCH#b"}, "sk": {"S": "BATCH"}}
    ),
    "heatmap_workers": lambda of, client: of("sqs").get_queue_attributes(
        QueueUrl=client.deployment["jobs_queue_url"], AttributeNames=["QueueArn"]
    ),
}


@pytest.mark.parametrize("role", GRANTED)
def test_a_role_may_do_what_it_was_granted(client: PlatformClient, role: str) -> None:
    assert GRANTED[role](client_as(client, role), client)


def test_every_role_is_tried(client: PlatformClient) -> None:
    assert set(client.outputs["roles"]) == set(GRANTED) == {role for role, _ in REFUSED.values()}


def client_as(client: PlatformClient, role: str) -> Callable[[str], Any]:
    """Makes clients with a role's rights; on AWS only the role's own service could take it."""
    arn = client.outputs["roles"][role]
    keys = client.sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session: Any = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=client.deployment["region"]
    )

    def make(service: str) -> Any:
        return session.client(service, endpoint_url=client.endpoint_url)

    return make
