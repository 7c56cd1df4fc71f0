"""Public prices, from the dated table beside this module."""

import tomllib
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PRICES_FILE = Path(__file__).with_name("prices.toml")
HOURS_A_MONTH = 730.0  # what AWS's own calculator takes


class _Prices(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Prices):
    """Prices with the page that says them."""

    source: str


class Lambda(Service):
    """AWS Lambda."""

    gb_second: float
    million_requests: float


class Volume(Service):
    """Amazon EFS with elastic throughput."""

    gb_month: float
    gb_read: float


class Queue(Service):
    """Amazon SQS."""

    million_requests: float


class Objects(Service):
    """Amazon S3."""

    thousand_puts: float
    thousand_gets: float


class Table(Service):
    """Amazon DynamoDB on demand."""

    million_write_units: float
    million_read_units: float


class Fixed(Service):
    """What is paid by the month, whatever is done."""

    key_month: float
    alarm_month: float


class Fargate(Service):
    """AWS Fargate."""

    vcpu_hour: float
    gb_hour: float


class Instance(Service):
    """A machine by the hour."""

    instance: str
    instance_hour: float
    vcpus: int = 0


class Prices(_Prices):
    """All of them."""

    as_of: date
    region: str
    functions: Lambda
    efs: Volume
    sqs: Queue
    s3: Objects
    dynamodb: Table
    fixed: Fixed
    fargate: Fargate
    sagemaker: Instance
    replaced: Instance

    @classmethod
    def read(cls, file: Path = PRICES_FILE) -> "Prices":
        """Reads the table."""
        return cls.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
