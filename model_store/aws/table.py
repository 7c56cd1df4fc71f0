"""The results table."""

from typing import TYPE_CHECKING, Any, final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from model_store.items import ORDER, Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@final
class Table:
    """The `ItemTable` and `HeatmapTable` of DynamoDB; raises `ClientError` where it refuses, as when it throttles."""

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
        """Writes an item unless a later one is there, as `model_store.ports.ItemTable` says."""
        condition = f"attribute_not_exists(pk) OR {ORDER} {'<=' if replace_equal else '<'} :order"
        return self._put(item, condition)

    def put_unless_done(self, item: Item, *, only_replace: bool = False) -> bool:
        """Writes a heatmap's item, as `model_store.ports.HeatmapTable` says."""
        condition = f"{ORDER} < :order OR ({ORDER} = :order AND #status <> :done)"
        if not only_replace:
            condition = f"attribute_not_exists(pk) OR {condition}"
        return self._put(item, condition, {":done": {"S": "done"}}, ExpressionAttributeNames={"#status": "status"})

    def _put(self, item: Item, condition: str, values: Item | None = None, **names: Any) -> bool:
        try:
            self._client.put_item(
                TableName=self._name,
                Item=self._serialized(item),
                ConditionExpression=condition,
                ExpressionAttributeValues={":order": {"S": item[ORDER]}} | (values or {}),
                **names,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _serialized(self, item: Item) -> Item:
        return {name: self._to_dynamodb.serialize(value) for name, value in item.items()}
