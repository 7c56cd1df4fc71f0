"""Clients of AWS's services, made once a process; they may be used from several threads."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 16
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard"},  # three attempts; then Lambda's own retries are cheaper than waiting here
)


def s3_client() -> "S3Client":
    """A client of S3."""
    return boto3.client("s3", config=_CONFIG)


def dynamodb_client() -> "DynamoDBClient":
    """A client of DynamoDB."""
    return boto3.client("dynamodb", config=_CONFIG)
