"""The results table as the API uses it."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from functions.api.ports import IndexPage
from model_store.aws.table import Table
from model_store.batches import BY_TENANT, HEAD_ATTRIBUTES
from model_store.items import Item, partition_key
from model_store.uploads import BatchKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_DELETES = 25  # of a request: API reference, "BatchWriteItem"
DELETE_ROUNDS = 8  # DynamoDB may leave some of a request undone when it is busy

# Before each try: somebody else's transaction over the same items, such as the same request's, ends in milliseconds.
CREATE_PAUSES_SECONDS = (0.0, 0.05, 0.1, 0.2, 0.4)

_KEYS = ("pk", "sk")


class UnfinishedDeletionError(Exception):
    """DynamoDB did not delete all it was asked to; the next time goes on."""


@final
class DynamoBatchTable:
    """The `BatchTable` of DynamoDB; raises `ClientError` where it refuses, as when it throttles."""

    def __init__(self, client: "DynamoDBClient", name: str, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep
        self._single = Table(client, name)
        self._to_dynamodb = TypeSerializer()
        self._from_dynamodb = TypeDeserializer()
        self.get = self._single.get
        self.put_unless_done = self._single.put_unless_done

    def partition(self, batch: BatchKey, attributes: Collection[str] | None = None) -> list[Item]:
        """Every item of a batch, as `functions.api.ports.BatchTable` says."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition_key(batch)}},
            ConsistentRead=True,
            **({} if attributes is None else _projection({*attributes, *_KEYS})),
        )
        return [self._plain(item) for page in pages for item in page["Items"]]

    def newest(self, tenant: str, limit: int, after: Item | None) -> IndexPage:
        """A tenant's batches, as `functions.api.ports.BatchTable` says."""
        start: dict[str, Any] = {"ExclusiveStartKey": self._serialized(after)} if after else {}
        projection = _projection({*HEAD_ATTRIBUTES, *_KEYS})
        projection["ExpressionAttributeNames"]["#hash"] = "tenant"
        page = self._client.query(
            TableName=self._name,
            IndexName=BY_TENANT,
            KeyConditionExpression="#hash = :tenant",
            ExpressionAttributeValues={":tenant": {"S": tenant}},
            ScanIndexForward=False,
            Limit=limit,
            **start,
            **projection,
        )
        return IndexPage([self._plain(item) for item in page["Items"]], "LastEvaluatedKey" in page)

    def create(self, *items: Item, now: datetime) -> bool:
        """Writes items, as `functions.api.ports.BatchTable` says."""
        put = {
            "TableName": self._name,
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": {"N": str(int(now.timestamp()))}},
        }
        writes: Any = [{"Put": put | {"Item": self._serialized(item)}} for item in items]
        for pause in CREATE_PAUSES_SECONDS:
            self._sleep(pause)
            if (is_written := self._transact(writes)) is not None:
                return is_written
        return False

    def _transact(self, writes: Any) -> bool | None:
        """Whether the writes were made; None where another transaction has these items in hand."""
        try:
            self._client.transact_write_items(TransactItems=writes)
        except self._client.exceptions.TransactionCanceledException as error:
            reasons = {reason.get("Code", "None") for reason in error.response["CancellationReasons"]}
            if reasons <= {"None", "ConditionalCheckFailed"}:
                return False
            if reasons <= {"None", "ConditionalCheckFailed", "TransactionConflict"}:
                return None
            raise
        return True

    def replace(self, item: Item, revision: int) -> bool:
        """Writes an item, as `functions.api.ports.BatchTable` says."""
        try:
            self._client.put_item(
                TableName=self._name,
                Item=self._serialized(item),
                ConditionExpression="revision = :revision",
                ExpressionAttributeValues={":revision": {"N": str(revision)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def delete(self, keys: Sequence[Item]) -> None:
        """Deletes items; raises `UnfinishedDeletionError` where DynamoDB is too busy to delete all of them."""
        for some in batched(keys, MAX_DELETES, strict=False):
            left: Any = {self._name: [{"DeleteRequest": {"Key": self._serialized(key)}} for key in some]}
            for _ in range(DELETE_ROUNDS):
                if left:
                    left = self._client.batch_write_item(RequestItems=left)["UnprocessedItems"]
            if left:
                raise UnfinishedDeletionError(f"{len(left[self._name])} items of {self._name} were not deleted")

    def _plain(self, item: Item) -> Item:
        return {name: self._from_dynamodb.deserialize(value) for name, value in item.items()}

    def _serialized(self, item: Item) -> Item:
        return {name: self._to_dynamodb.serialize(value) for name, value in item.items()}


def _projection(attributes: Collection[str]) -> dict[str, Any]:
    """What has a query give these attributes only; under other names, since some of theirs mean something else."""
    names = {f"#a{number}": name for number, name in enumerate(sorted(attributes))}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
