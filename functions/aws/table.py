"""The results table."""

from typing import TYPE_CHECKING, final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from model_store.items import ORDER, Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@final
class Table:
    """The `ItemTable` of DynamoDB; raises `ClientError` where DynamoDB refuses, for instance because it throttles."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name
        self._to_dynamodb = TypeSerializer()
        self._from_dynamodb = TypeDeserializer()

    def get(self, key: Item) -> Item | None:
        """The item with that key as it is now, or None."""
        response = self._client.get_item(TableName=self._name, Key=self._serialized(key), ConsistentRead=True)
        found = response.get("Item")
        return found and {name: self._from_dynamodb.deserialize(value) for name, value in found.items()}

    def put_newer(self, item: Item, *, replace_equal: bool = False) -> bool:
        """Writes an item unless a later one is there, as `functions.ports.ItemTable` says."""
        try:
            self._client.put_item(
                TableName=self._name,
                Item=self._serialized(item),
                ConditionExpression=f"attribute_not_exists(pk) OR {ORDER} {'<=' if replace_equal else '<'} :order",
                ExpressionAttributeValues={":order": {"S": item[ORDER]}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _serialized(self, item: Item) -> Item:
        return {name: self._to_dynamodb.serialize(value) for name, value in item.items()}
