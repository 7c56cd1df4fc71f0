"""The demonstration batch over an AWS account on this machine: what the API and the page would find of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.aws.batch_table import DynamoBatchTable
from memorability.deployments import Deployment
from model_store.batches import declared_files, stored_batch
from model_store.items import batch_item_key
from model_store.uploads import BatchKey
from scripts.seed_demo_batch import DemoBatch, seed
from tests.integration.test_upload_command import REGION, scorer
from tests.local_aws import RESULTS, UPLOADS, LocalAws, local_aws


@pytest.fixture(scope="module")
def account() -> Iterator[LocalAws]:
    with local_aws() as aws:
        aws.s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
        yield aws


def test_batch_is_made_as_the_api_makes_it(account: LocalAws, tmp_path: Path) -> None:
    where = Deployment(endpoint_url=account.endpoint, region=REGION, uploads_bucket=UPLOADS, results_table=RESULTS)
    photos = {name: tmp_path / name for name in ("a.jpg", "b.png")}
    for path in photos.values():
        path.write_text("0.5")

    with scorer(account):
        batch = seed(where, DemoBatch("acme", "Demonstration", has_previews=True), photos)

    table = DynamoBatchTable(account.dynamodb, RESULTS)
    item = table.get(batch_item_key(BatchKey("acme", batch)))
    assert item
    assert (stored_batch(item).name, stored_batch(item).preview_heatmaps) == ("Demonstration", True)
    assert [(file.name, file.type) for file in declared_files(item)] == [
        ("a.jpg", "image/jpeg"),
        ("b.png", "image/png"),
    ]
    uploaded = account.s3.list_objects_v2(Bucket=UPLOADS, Prefix=f"uploads/acme/{batch}/")["Contents"]
    assert [thing["Key"].rsplit("/", 1)[-1] for thing in uploaded] == list(photos)
