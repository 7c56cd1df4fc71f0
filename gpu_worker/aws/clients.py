"""Clients of AWS's services, made once a process; they may be used from several threads."""

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,  # a long poll takes 10 s
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 5},
)


def s3_client() -> "S3Client":
    """A client of S3."""
    return boto3.client("s3", config=_CONFIG)


def dynamodb_client() -> "DynamoDBClient":
    """A client of DynamoDB."""
    return boto3.client("dynamodb", config=_CONFIG)


def sqs_client() -> "SQSClient":
    """A client of SQS."""
    return boto3.client("sqs", config=_CONFIG)


def autoscaling_client() -> Any:
    """A client of EC2 Auto Scaling."""
    return boto3.client("autoscaling", config=_CONFIG)
