"""The API through its handler, over AWS as moto plays it: forms, links, pages, versions, jobs, and interruptions."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
import requests
from moto import mock_aws

from functions.api.limits import MAX_FILES
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace
from model_store.heatmaps.methods import Method
from model_store.heatmaps.subjects import HeatmapSubject
from model_store.items import Origin, record_item
from model_store.records import MeasureResult, ModelScore, ScoredRecord
from model_store.store import Measure, ModelStore
from model_store.uploads import UploadKey
from tests.http_api import Client, user, with_query
from tests.integration.calls import REGION, RESULTS, UPLOADS, Context
from tests.integration.conftest import ColdStart, Trouble
from tests.unit.store.samples import publish, publish_ensemble

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

HEATMAPS = "heatmaps"
REQUEST = {"photos": ["0.jpg"], "subjects": [{"ensemble": "live", "measure": "hit_rate"}], "methods": ["gradcam"]}


@dataclass(frozen=True)
class Account:
    """An AWS account as Terraform leaves it, for the API."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    queue_url: str

    def keys(self, bucket: str) -> list[str]:
        """The keys of every version and every mark of a deletion."""
        found = self.s3.list_object_versions(Bucket=bucket)
        versions: list[Any] = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return sorted(version["Key"] for version in versions)

    def sort_keys(self, batch: str) -> list[str]:
        """The sort keys of a batch's items."""
        items = self.dynamodb.scan(TableName=RESULTS)["Items"]
        return sorted(item["sk"]["S"] for item in items if batch in item["pk"]["S"])

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs that wait."""
        taken = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"])
        return [json.loads(message["Body"]) for message in taken.get("Messages", [])]


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(tmp_path / "store")
    publish(store)
    store.set_alias("live", publish_ensemble(store, "resmem@1.0").ref)
    return store


@pytest.fixture
def aws(environment: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        boto3.setup_default_session()
        yield


@pytest.fixture
def account(aws: None, environment: pytest.MonkeyPatch) -> Account:
    s3, dynamodb, sqs = boto3.client("s3"), boto3.client("dynamodb"), boto3.client("sqs")
    for bucket in (UPLOADS, HEATMAPS):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    dynamodb.create_table(
        TableName=RESULTS,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "tenant", "created_at")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_tenant",
                "KeySchema": [
                    {"AttributeName": "tenant", "KeyType": "HASH"},
                    {"AttributeName": "created_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    queue_url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    environment.setenv("MEMORABILITY_HEATMAPS_BUCKET", HEATMAPS)
    environment.setenv("MEMORABILITY_JOBS_QUEUE_URL", queue_url)
    return Account(s3, dynamodb, sqs, queue_url)


@pytest.fixture
def client(account: Account, cold_start: ColdStart) -> Client:
    handler = cold_start("functions.api.handler")
    return user(lambda event: handler.handle(event, Context()))


def make_batch(client: Client, n_photos: int = 1) -> dict[str, Any]:
    files = [{"name": f"{number}.jpg", "bytes": 4, "type": "image/jpeg"} for number in range(n_photos)]
    answer = client.call("POST", "/batches", {"name": "Spring", "files": files})
    assert answer.status == 201, answer.body
    return dict(answer.json)


def score(account: Account, batch: str, name: str, value: float = 0.8, version: str = "v1") -> None:
    """Keeps a record, as the scorer does."""
    from functions.aws.batch_table import DynamoBatchTable

    models = (ModelScore(model="resmem@1.0", score=value),)
    measures = {Measure.HIT_RATE: MeasureResult(score=value, percentile=None, spread=0.0, models=models)}
    record = ScoredRecord(file=name, width=4, height=3, ensemble="default@1", measures=measures)
    origin = Origin(version, f"order-{version}", datetime.now(UTC))
    item = record_item(UploadKey("acme", batch, name), "default", record, origin, timedelta(days=90))
    DynamoBatchTable(account.dynamodb, RESULTS).create(item, now=datetime.now(UTC))


def post(upload: dict[str, Any], content: bytes, **changes: str) -> int:
    """Uploads a file by a form, with other fields where there are changes."""
    fields = upload["fields"] | {name.replace("_", "-"): value for name, value in changes.items()}
    return requests.post(upload["url"], data=fields, files={"file": ("a.jpg", content)}, timeout=5).status_code


def test_a_form_uploads_its_file_and_a_link_shows_it(client: Client, account: Account) -> None:
    made = make_batch(client)
    batch = made["batch"]["id"]

    assert post(made["uploads"][0], b"JPEG") == 204

    assert account.keys(UPLOADS) == [f"uploads/acme/{batch}/0.jpg"]
    stored = account.s3.head_object(Bucket=UPLOADS, Key=f"uploads/acme/{batch}/0.jpg")
    assert stored["ContentType"] == "image/jpeg"
    score(account, batch, "0.jpg")
    (photo,) = client.call("GET", f"/batches/{batch}/photos").json["photos"]
    assert requests.get(photo["photo_url"], timeout=5).content == b"JPEG"


def test_a_form_says_what_it_is_for(client: Client) -> None:
    made = make_batch(client)
    (upload,) = made["uploads"]
    policy = json.loads(base64.b64decode(upload["fields"]["policy"]))
    key = f"uploads/acme/{made['batch']['id']}/0.jpg"
    conditions = policy["conditions"]
    assert {"Content-Type": "image/jpeg"} in conditions
    assert ["content-length-range", 4, 4] in conditions
    assert {"bucket": UPLOADS} in conditions
    assert {"key": key} in conditions
    lifetime = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < lifetime <= timedelta(hours=1)
    assert upload["url"] == f"https://{UPLOADS}.s3.{REGION}.amazonaws.com/"


def test_links_are_signed_for_an_hour_and_stay_the_same_for_a_while(client: Client, account: Account) -> None:
    batch = make_batch(client)["batch"]["id"]
    score(account, batch, "0.jpg")
    first, second = (client.call("GET", f"/batches/{batch}/photos").json["photos"][0] for _ in range(2))
    assert first == second
    address = urlsplit(first["thumbnail_url"])
    assert address.hostname == f"{HEATMAPS}.s3.{REGION}.amazonaws.com"
    assert unquote(address.path) == f"/thumbnails/acme/{batch}/0.jpg.jpg"
    assert parse_qs(address.query)["X-Amz-Expires"] == ["3600"]
    assert parse_qs(address.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_batches_are_paged_by_the_index(client: Client, account: Account) -> None:
    made = [make_batch(client)["batch"]["id"] for _ in range(5)]
    make_batch(client.of_tenant("globex"))
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = client.call("GET", with_query("/batches", limit=2, cursor=cursor)).json
        seen += [batch["id"] for batch in page["batches"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert cursor is None
    assert sorted(seen) == sorted(made)


def test_a_key_makes_one_batch_whatever_becomes_of_the_answer(client: Client, account: Account) -> None:
    body = {"name": "Spring", "files": [{"name": "a.jpg", "bytes": 4, "type": "image/jpeg"}]}
    ids = {client.call("POST", "/batches", body, idempotency_key="k").json["batch"]["id"] for _ in range(3)}
    assert len(ids) == 1
    other = client.call("POST", "/batches", body | {"name": "Autumn"}, idempotency_key="k")
    assert other.kind == "idempotency-key-reused"
    assert len(client.call("GET", "/batches").json["batches"]) == 1


def test_a_full_batch_is_kept_and_a_page_of_it_read_by_one_query(account: Account, cold_start: ColdStart) -> None:
    calls: list[str] = []
    events: Any = boto3._get_default_session().events
    events.register("before-call", lambda model, **_: calls.append(model.name))
    handler = cold_start("functions.api.handler")
    client = user(lambda event: handler.handle(event, Context()))
    batch = make_batch(client, MAX_FILES)["batch"]["id"]
    for number in range(MAX_FILES):
        score(account, batch, f"{number}.jpg", 0.5 + number / 1000)
    calls.clear()

    page = client.call("GET", f"/batches/{batch}/photos?limit=100").json

    assert calls == ["Query"]
    assert len(page["photos"]) == 100
    assert page["photos"][-1]["results"][0]["measures"]["hit_rate"]["rank"] > 0
    counts = client.call("GET", f"/batches/{batch}").json["counts"]
    assert counts == {"declared": MAX_FILES, "scored": MAX_FILES, "failed": 0, "waiting": 0}


def test_a_deleted_batch_leaves_no_version_of_anything(client: Client, account: Account) -> None:
    batch, other = make_batch(client, 30)["batch"]["id"], make_batch(client)["batch"]["id"]
    for name in ("0.jpg", "1.jpg"):
        for bucket, folder in ((UPLOADS, "uploads"), (HEATMAPS, "thumbnails"), (HEATMAPS, "heatmaps")):
            for mine in (batch, other):
                for _ in range(2):
                    account.s3.put_object(Bucket=bucket, Key=f"{folder}/acme/{mine}/{name}", Body=b"x")
    account.s3.delete_object(Bucket=UPLOADS, Key=f"uploads/acme/{batch}/0.jpg")
    litter = HeatmapPlace(UploadKey("acme", batch, "0.jpg"), HeatmapSubject.of_model("resmem"), Method.GRADCAM)
    for version in ("v1", "v2"):  # of heatmaps whose record was refused or replaced
        keys = litter.object_keys(HeatmapOrigin(version, version, Decimal(0)), ["resmem@1"])
        account.s3.put_object(Bucket=HEATMAPS, Key=keys.overlay, Body=b"x")
    for number in range(30):
        score(account, batch, f"{number}.jpg")

    assert client.call("DELETE", f"/batches/{batch}").status == 204

    kept = [*account.keys(UPLOADS), *account.keys(HEATMAPS)]
    assert len(kept) == 12
    assert all(f"/acme/{other}/" in key for key in kept)
    assert account.sort_keys(batch) == ["BATCH"]
    assert client.call("GET", f"/batches/{batch}").status == 404
    assert [found["id"] for found in client.call("GET", "/batches").json["batches"]] == [other]


def test_a_deletion_goes_on_where_it_was_interrupted(
    account: Account, trouble: Callable[..., Trouble], cold_start: ColdStart
) -> None:
    refusals = trouble("dynamodb.BatchWriteItem", 400, "ValidationException")
    handler = cold_start("functions.api.handler")
    client = user(lambda event: handler.handle(event, Context()))
    batch = make_batch(client)["batch"]["id"]
    score(account, batch, "0.jpg")
    account.s3.put_object(Bucket=UPLOADS, Key=f"uploads/acme/{batch}/0.jpg", Body=b"x")

    assert client.call("DELETE", f"/batches/{batch}").status == 500
    assert refusals.refused
    assert client.call("GET", f"/batches/{batch}/photos").status == 404
    refusals.is_over = True
    assert client.call("DELETE", f"/batches/{batch}").status == 204
    assert account.keys(UPLOADS) == []
    assert account.sort_keys(batch) == ["BATCH"]


def test_a_heatmap_is_noted_and_sent_to_the_workers(client: Client, account: Account) -> None:
    batch = make_batch(client)["batch"]["id"]
    score(account, batch, "0.jpg", version="v7")

    answer = client.call("POST", f"/batches/{batch}/heatmaps", REQUEST)

    assert answer.status == 202, answer.body
    (job,) = account.jobs()
    assert (job["tenant"], job["batch"], job["filename"], job["object_version"]) == ("acme", batch, "0.jpg", "v7")
    assert (job["subject"], job["method"]) == ({"ensemble": "live", "measure": "hit_rate"}, "gradcam")
    (photo,) = client.call("GET", f"/batches/{batch}/photos").json["photos"]
    assert [heatmap["status"] for heatmap in photo["heatmaps"]] == ["queued"]


def test_trouble_of_aws_is_a_fault_of_ours_and_tells_nothing(
    account: Account, trouble: Callable[..., Trouble], cold_start: ColdStart
) -> None:
    trouble("dynamodb.Query", 400, "ProvisionedThroughputExceededException")
    handler = cold_start("functions.api.handler")
    answer = user(lambda event: handler.handle(event, Context())).call("GET", "/batches")
    assert (answer.status, answer.kind) == (500, "internal-error")
    assert RESULTS not in answer.json["detail"]


def test_a_fault_of_ours_is_counted(
    account: Account, trouble: Callable[..., Trouble], cold_start: ColdStart, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble("dynamodb.Query", 400, "ProvisionedThroughputExceededException")
    handler = cold_start("functions.api.handler")
    client = user(lambda event: handler.handle(event, Context()))

    assert [client.call("GET", path).status for path in ("/batches", "/models", "/batches?limit=0")] == [500, 200, 422]

    assert faults(capsys) == [1.0, 0.0, 0.0]


def test_workers_that_there_are_not_are_no_fault(
    account: Account, environment: pytest.MonkeyPatch, cold_start: ColdStart, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("MEMORABILITY_JOBS_QUEUE_URL")
    handler = cold_start("functions.api.handler")
    client = user(lambda event: handler.handle(event, Context()))
    batch = make_batch(client)["batch"]["id"]
    score(account, batch, "0.jpg")

    assert client.call("POST", f"/batches/{batch}/heatmaps", REQUEST).status == 501

    assert faults(capsys) == [0.0, 0.0]


def test_models_that_cannot_be_read_are_a_fault(
    client: Client, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (store.root / "ensembles").rglob("*.json"):
        path.write_text(path.read_text()[:20])
    batch = {"name": "Spring", "files": [{"name": "a.jpg", "bytes": 4, "type": "image/jpeg"}], "ensembles": ["live"]}

    assert client.call("POST", "/batches", batch).status == 503
    store.root.rename(store.root.with_name("away"))
    store.root.write_text("no folder")
    assert [client.call("GET", path).status for path in ("/models", "/ensembles", "/batches")] == [503, 503, 200]

    assert faults(capsys) == [1.0, 1.0, 1.0, 0.0]


def faults(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """What the metric of faults was at each request."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line["RequestsFaulted"][0] for line in lines if "RequestsFaulted" in line]


def test_another_tenant_sees_and_changes_nothing(client: Client, account: Account) -> None:
    batch = make_batch(client)["batch"]["id"]
    score(account, batch, "0.jpg")
    before = account.sort_keys(batch)
    theirs = client.of_tenant("globex")
    assert {
        theirs.call(method, f"/batches/{batch}{rest}", body).status
        for method, rest, body in (
            ("GET", "", None),
            ("GET", "/photos", None),
            ("GET", "/export.csv", None),
            ("DELETE", "", None),
            ("POST", "/heatmaps", REQUEST),
            ("POST", "/uploads", {"files": [{"name": "a.jpg", "bytes": 4, "type": "image/jpeg"}]}),
        )
    } == {404}
    assert account.sort_keys(batch) == before
    assert account.jobs() == []
