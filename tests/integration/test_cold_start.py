"""A container's first moments: what is loaded ahead, what is not imported, and what happens where that fails."""

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_store.store import NotFoundError
from model_store.store.layout import COMPILED_FOLDER
from tests.integration.calls import UPLOADS, Context, load_event, metrics_in, photo
from tests.integration.conftest import ColdStart, Items

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from model_store.store import ModelStore

BEACH = "uploads/acme/spring/beach.jpg"

SCORE_IN_A_NEW_PROCESS = """
import json, sys
from moto import mock_aws
with mock_aws():
    import boto3
    boto3.client("s3").create_bucket(Bucket="uploads", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    boto3.client("s3").put_object(Bucket="uploads", Key="uploads/acme/spring/beach.jpg", Body=sys.stdin.buffer.read())
    boto3.client("dynamodb").create_table(
        TableName="results", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")])
    from functions.score.handler import handle
    from tests.integration.calls import Context, load_event
    handle(load_event("s3_put"), Context())
    (item,) = boto3.client("dynamodb").scan(TableName="results")["Items"]
    handled = [name for name in ("flax", "jax", "functions.score.handler") if name in sys.modules]
    print(json.dumps({"status": item["status"]["S"], "imported": handled}))
"""


def test_a_new_container_scores_without_flax_and_jax_and_tells_that_it_is_new(
    environment: pytest.MonkeyPatch,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCORE_IN_A_NEW_PROCESS],
        check=False,
        capture_output=True,
        input=photo(),
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()
    output = done.stdout.decode()
    assert json.loads(output.splitlines()[-1]) == {"status": "scored", "imported": ["functions.score.handler"]}
    metrics = metrics_in(output)
    assert (metrics["ColdStart"], metrics["PhotosScored"], metrics["JitFallback"]) == (1, 1, 0)
    assert metrics["EnsembleLoadTime"] > 0


def test_a_store_without_an_ensemble_fails_the_calls_but_not_the_start(
    cold_start: ColdStart, s3: "S3Client", items: Items, store: "ModelStore", caplog: pytest.LogCaptureFixture
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    store.remove_alias("live")
    logging.getLogger("functions.score.wiring").addHandler(caplog.handler)

    handler = cold_start("functions.score.handler")

    assert "live could not be loaded ahead of the first call" in caplog.text
    with pytest.raises(ExceptionGroup) as raised:
        handler.handle(load_event("s3_put"), Context())
    assert raised.group_contains(NotFoundError, match="no ensemble or alias live")
    assert not items()

    store.set_alias("live", "default@1")
    handler.handle(load_event("s3_put"), Context())
    assert [item["status"] for item in items()] == ["scored"]


def test_models_without_executables_are_compiled_with_a_warning(
    cold_start: ColdStart, s3: "S3Client", items: Items, store: "ModelStore", capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put_object(Bucket=UPLOADS, Key=BEACH, Body=photo())
    shutil.rmtree(store.path("first") / COMPILED_FOLDER)

    cold_start("functions.score.handler").handle(load_event("s3_put"), Context())

    assert [item["status"] for item in items()] == ["scored"]
    assert metrics_in(capsys.readouterr().out)["JitFallback"] == 1
