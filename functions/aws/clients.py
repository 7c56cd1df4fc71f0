"""Clients of AWS's services, made once a process; they may be used from several threads."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

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


def signing_s3_client() -> "S3Client":
    """A client of S3 that signs links as encrypted buckets demand, to the region's own address."""
    own = Config(
        signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    )
    return boto3.client("s3", config=_CONFIG.merge(own))


def dynamodb_client() -> "DynamoDBClient":
    """A client of DynamoDB."""
    return boto3.client("dynamodb", config=_CONFIG)


def sqs_client() -> "SQSClient":
    """A client of SQS."""
    return boto3.client("sqs", config=_CONFIG)
