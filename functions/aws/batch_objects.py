"""The objects of a batch, in all buckets, by what their keys begin with."""

from typing import TYPE_CHECKING, Any, final

from model_store.heatmap_items import OBJECTS as HEATMAPS
from model_store.uploads import PREFIX as UPLOADS
from model_store.uploads import THUMBNAILS, BatchKey

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class UnfinishedRemovalError(Exception):
    """S3 did not remove all it was asked to; the next time goes on."""


@final
class BatchObjects:
    """The `Objects` of S3; raises `ClientError` where S3 refuses."""

    def __init__(self, client: "S3Client", uploads_bucket: str, heatmaps_bucket: str) -> None:
        self._client = client
        self._places = ((uploads_bucket, UPLOADS), (heatmaps_bucket, THUMBNAILS), (heatmaps_bucket, HEATMAPS))

    def remove(self, batch: BatchKey) -> None:
        """Removes every version; raises `UnfinishedRemovalError` where S3 keeps some of them."""
        for bucket, start in self._places:
            self._remove(bucket, f"{start}{batch.tenant}/{batch.batch}/")

    def _remove(self, bucket: str, prefix: str) -> None:
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:  # of at most 1,000, which is as many as S3 deletes at once
            versions: list[Any] = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            named: Any = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
            if not named:
                continue
            answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
            if errors := answer.get("Errors"):
                raise UnfinishedRemovalError(f"{len(errors)} objects of {bucket} were not removed: {errors[0]}")
