"""What a deployment asks of the account, over emulated services."""

from typing import TYPE_CHECKING, Any

import pytest

from model_store.store import ModelStore
from scripts.deployment.account import AwsAccount
from tests.integration.calls import REGION, RESULTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OUTPUTS: dict[str, Any] = {"deployment": {"region": REGION, "results_table": RESULTS}}


@pytest.fixture
def signed_in_like_terraform(environment: pytest.MonkeyPatch, dynamodb: "DynamoDBClient") -> None:
    """The region is where Terraform looks for it, and boto3 does not."""
    environment.delenv("AWS_DEFAULT_REGION")
    environment.setenv("AWS_REGION", REGION)


@pytest.mark.parametrize(("status", "is_published"), [("published", True), ("refused", False), ("interrupted", False)])
@pytest.mark.usefixtures("signed_in_like_terraform")
def test_a_version_is_published_once_the_publisher_says_so(
    store: ModelStore, dynamodb: "DynamoDBClient", status: str, is_published: bool
) -> None:
    item = {"pk": {"S": "PUBLICATION#first"}, "sk": {"S": "1"}, "status": {"S": status}}
    dynamodb.put_item(TableName=RESULTS, Item=item)
    assert AwsAccount().is_published(OUTPUTS, store, "first") is is_published


@pytest.mark.usefixtures("signed_in_like_terraform")
def test_another_version_or_model_is_not_this_one(store: ModelStore, dynamodb: "DynamoDBClient") -> None:
    for name, version in (("first", "2"), ("second", "1")):
        item = {"pk": {"S": f"PUBLICATION#{name}"}, "sk": {"S": version}, "status": {"S": "published"}}
        dynamodb.put_item(TableName=RESULTS, Item=item)
    assert AwsAccount().is_published(OUTPUTS, store, "first@1") is False


@pytest.mark.usefixtures("signed_in_like_terraform")
def test_half_a_deployment_has_no_publisher() -> None:
    whole = OUTPUTS | {"artefacts_bucket": "artefacts", "functions": {"publish": "acme-publish"}}
    assert not AwsAccount().has_publisher({})
    assert not AwsAccount().has_publisher(OUTPUTS)
    assert not AwsAccount().has_publisher(whole)
