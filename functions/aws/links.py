"""Signed links to objects; signing takes no request."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, final

from functions.api.limits import DOWNLOAD_LINK_SECONDS, UPLOAD_LINK_SECONDS
from functions.api.ports import Form

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A page asks again and again while scores arrive: the same link for a while, and its browser needs no picture twice.
SAME_LINK_SECONDS = DOWNLOAD_LINK_SECONDS / 4
MAX_LINKS = 5_000


@final
class SignedLinks:
    """The `Links` of S3. They can do what the function's role may, and end with its credentials if these end sooner."""

    def __init__(
        self,
        client: "S3Client",
        uploads_bucket: str,
        heatmaps_bucket: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._uploads_bucket = uploads_bucket
        self._heatmaps_bucket = heatmaps_bucket
        self._clock = clock
        self._links: dict[tuple[str, str], tuple[float, str]] = {}

    def upload(self, key: str, n_bytes: int, media_type: str) -> Form:
        """A form, as `functions.api.ports.Links` says."""
        type_field = {"Content-Type": media_type}
        post = self._client.generate_presigned_post(
            self._uploads_bucket,
            key,
            Fields=type_field,
            Conditions=[type_field, ["content-length-range", n_bytes, n_bytes]],
            ExpiresIn=UPLOAD_LINK_SECONDS,
        )
        until = datetime.fromtimestamp(int(self._clock()), UTC) + timedelta(seconds=UPLOAD_LINK_SECONDS)
        return Form(post["url"], post["fields"], until)

    def photo(self, key: str) -> str:
        """A link to an object of the uploads bucket."""
        return self._link(self._uploads_bucket, key)

    def picture(self, key: str) -> str:
        """A link to an object of the heatmaps bucket."""
        return self._link(self._heatmaps_bucket, key)

    def _link(self, bucket: str, key: str) -> str:
        now = self._clock()
        signed_at, link = self._links.pop((bucket, key), (-SAME_LINK_SECONDS, ""))
        if now - signed_at >= SAME_LINK_SECONDS:
            parameters = {"Bucket": bucket, "Key": key}
            signed_at = now
            link = self._client.generate_presigned_url("get_object", parameters, DOWNLOAD_LINK_SECONDS)
        while len(self._links) >= MAX_LINKS:
            del self._links[next(iter(self._links))]  # the one that nobody wanted for the longest time
        self._links[bucket, key] = signed_at, link
        return link
