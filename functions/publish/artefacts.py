"""What is uploaded to be published, by its key.

| key                                    | what                                                     |
|----------------------------------------|----------------------------------------------------------|
| `models/{name}/{version}/…`            | the files of a model version; `manifest.json` comes last |
| `runtime/{digest}.tar.gz` or `….zip`   | dependencies; the digest is the archive's SHA-256        |

Nothing but the standard library is imported here.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from functions.events import ObjectEvent

logger = logging.getLogger(__name__)

_MANIFEST = re.compile(r"models/([^/]+)/([^/]+)/manifest\.json")
_BUNDLE = re.compile(r"runtime/([0-9a-f]{64})\.(tar\.gz|zip)")


@dataclass(frozen=True)
class UploadedModel:
    """The manifest of a model version that is uploaded whole."""

    name: str
    version: str
    event: ObjectEvent

    @property
    def folder(self) -> str:
        """What the keys of the version's files begin with."""
        return f"models/{self.name}/{self.version}/"


@dataclass(frozen=True)
class UploadedBundle:
    """An archive of dependencies; `kind` is `tar.gz` or `zip`."""

    digest: str
    kind: str
    event: ObjectEvent


def find_artefacts(events: Iterable[ObjectEvent], bucket: str) -> list[UploadedModel | UploadedBundle]:
    """What there is to publish among what happened to objects; all else is logged and ignored."""
    return [artefact for artefact in (_artefact(event, bucket) for event in events) if artefact]


def _artefact(event: ObjectEvent, bucket: str) -> UploadedModel | UploadedBundle | None:
    if event.is_creation and event.bucket == bucket:
        if match := _MANIFEST.fullmatch(event.key):
            return UploadedModel(match[1], match[2], event)
        if match := _BUNDLE.fullmatch(event.key):
            return UploadedBundle(match[1], match[2], event)
    logger.info("ignored: %s of s3://%s/%s", event.name, event.bucket, event.key)
    return None
