"""Puts a demonstration batch into a deployment, so that its page has something to show.

    python -m scripts.seed_demo_batch [--deployment build/local.json] [--photos build/demo/photos] [--tenant default]
        [--name "Demonstration"] [--previews]

Makes the batch as the API would, uploads the photos, and waits for their scores. The photos of `make demo` are taken
where no others are named. Credentials are those of the AWS CLI; the local platform needs none.
"""

import argparse
import json
import mimetypes
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from functions.aws.batch_table import DynamoBatchTable
from memorability.aws.account import ResultsTable, UploadsBucket
from memorability.batches import await_records, batch_key, name_photos, upload_photos
from memorability.deployments import Deployment, read_deployment
from memorability.paths import find_files
from model_store.batches import Batch, DeclaredFile, batch_item
from model_store.errors import MemorabilityError
from scripts.demo_photos import copy_photos
from scripts.local_platform.emulator import ACCOUNT_ADMIN
from scripts.local_platform.layout import ROOT, Layout

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DEMO_PHOTOS = ROOT / "build" / "demo" / "photos"
KEPT = timedelta(days=30)
PATIENCE_SECONDS = 180.0
_ID_BYTES = 16


@dataclass(frozen=True)
class DemoBatch:
    """What is to be seeded."""

    tenant: str = "default"
    name: str = "Demonstration"
    has_previews: bool = False


def seed(where: Deployment, wanted: DemoBatch, photos: Mapping[str, Path]) -> str:
    """Makes the batch, uploads its photos, and waits for their records.

    Args:
        where: the deployment.
        wanted: the batch.
        photos: files by their names in the batch.

    Returns:
        The batch's id.

    Raises:
        MemorabilityError: the deployment does not take it, or not all photos have a record in time.
    """
    now = datetime.now(UTC)
    key = batch_key(wanted.tenant, secrets.token_hex(_ID_BYTES))
    batch = Batch(key, wanted.name, now, "scripts.seed_demo_batch", now + KEPT, preview_heatmaps=wanted.has_previews)
    files = [DeclaredFile(name, path.stat().st_size, _type_of(path)) for name, path in photos.items()]
    DynamoBatchTable(_dynamodb(where), where.results_table).create(batch_item(batch, files), now=now)
    uploaded = upload_photos(UploadsBucket(where), key, photos, lambda: None)
    found = await_records(ResultsTable(where), key, uploaded.versions, PATIENCE_SECONDS, lambda _: None)
    if missing := sorted(set(photos) - set(found)):
        raise MemorabilityError(
            f"{len(missing)} of {len(photos)} photos have no record after {PATIENCE_SECONDS:.0f} s: "
            f"{', '.join(missing)}. See the scorer's log (`make local-logs`)."
        )
    return key.batch


def main() -> int:
    """Does what was asked for and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deployment", type=Path, default=Layout().deployment_file)
    parser.add_argument("--photos", type=Path, help="a folder; default: the photos of `make demo`")
    parser.add_argument("--tenant", default=DemoBatch.tenant)
    parser.add_argument("--name", default=DemoBatch.name)
    parser.add_argument("--previews", action="store_true", help="with a heatmap of every photo")
    arguments = parser.parse_args()
    if not arguments.photos:
        copy_photos(DEMO_PHOTOS)
    wanted = DemoBatch(arguments.tenant, arguments.name, arguments.previews)
    try:
        photos = name_photos(find_files([arguments.photos or DEMO_PHOTOS]))
        batch = seed(read_deployment(arguments.deployment), wanted, photos)
    except MemorabilityError as error:
        print(error, file=sys.stderr)
        return 1
    page_url = json.loads(arguments.deployment.read_text()).get("page_url")
    print(f"{len(photos)} photos are scored: {page_url}/#/batches/{batch}" if page_url else f"batch {batch} is scored")
    return 0


def _type_of(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "image/jpeg"


def _dynamodb(where: Deployment) -> "DynamoDBClient":
    credentials = {name.lower(): value for name, value in ACCOUNT_ADMIN.items()} if where.is_local else {}
    session = boto3.Session(region_name=where.region, **credentials)  # type: ignore[arg-type]
    return session.client("dynamodb", endpoint_url=where.endpoint_url)


if __name__ == "__main__":
    sys.exit(main())
