"""Objects of one S3 bucket."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, final

from botocore.exceptions import ClientError

from model_store.ports import MissingObjectError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 4 * 1024 * 1024

# Without the right s3:ListBucket, S3 answers 403 for what is not there, and a deletion looks like a fault of ours.
_MISSING = {"NoSuchKey", "NoSuchVersion", "404"}


@final
class Objects:
    """The `ObjectSource` and `ObjectSink` of a bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self, key: str, version_id: str | None, max_bytes: int) -> tuple[int, bytes]:
        """Size and content, as `model_store.ports.ObjectSource` says; raises `ClientError` where S3 refuses."""
        size, body = self._get(key, version_id)
        with closing(body):
            return size, body.read() if size <= max_bytes else b""

    def chunks(self, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The content piece by piece; raises as `read` does."""
        _, body = self._get(key, version_id)
        with closing(body):
            yield from body.iter_chunks(CHUNK_BYTES)

    def write(self, key: str, content: bytes, media_type: str) -> None:
        """Writes an object; raises `ClientError` where S3 refuses."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=media_type)

    def _get(self, key: str, version_id: str | None) -> "tuple[int, StreamingBody]":
        version: dict[str, Any] = {"VersionId": version_id} if version_id else {}
        try:
            response = self._client.get_object(Bucket=self._bucket, Key=key, **version)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise MissingObjectError(f"s3://{self._bucket}/{key} is not there (any more)") from error
            raise
        return response["ContentLength"], response["Body"]
