"""What the server takes, and how it gathers photos into batches."""

import os
from dataclasses import dataclass, field

from model_store.images import DEFAULT_LIMITS, ImageLimits
from model_store.runtime.executables import BATCH_SIZES

# A photo of 50 megapixels is 150 MB while it is decoded, so a large machine does not get as many decoders as cores.
MAX_DECODERS = 8


def default_decoders() -> int:
    """One thread a core that this process may use, up to `MAX_DECODERS`."""
    return min(os.process_cpu_count() or 1, MAX_DECODERS)


@dataclass(frozen=True)
class ServingRules:
    """Limits and habits of the server.

    Attributes:
        ensemble: reference of the ensemble that scores; an alias is followed.
        max_batch: most photos that the networks are given at a time.
        max_wait_seconds: how long a photo waits for others to share a batch with, while the networks are idle.
        max_waiting_photos: photos that are accepted and not answered yet; a request beyond is told to come again.
        max_lines: photos in one request.
        max_request_bytes: size of one request's body.
        max_buffered_bytes: bodies of all requests that are being received or scored.
        body_seconds: how long a client may take to send a body.
        stop_seconds: how long accepted requests may go on after the server was told to stop. SageMaker kills a
            container 30 s after it sent SIGTERM (developer guide, "How containers run in SageMaker").
        decoders: threads that decode photos.
        limits: what one photo may be at most.
    """

    ensemble: str = "live"
    max_batch: int = max(BATCH_SIZES)
    max_wait_seconds: float = 0.005
    max_waiting_photos: int = 128
    max_lines: int = 64
    max_request_bytes: int = 64_000_000
    max_buffered_bytes: int = 512_000_000
    body_seconds: float = 30
    stop_seconds: float = 25
    decoders: int = field(default_factory=default_decoders)
    limits: ImageLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        """Refuses rules under which some request that they allow could never be accepted."""
        if min(self.max_batch, self.max_lines, self.max_request_bytes, self.decoders) < 1:
            raise ValueError("batch, lines, request size and decoders must be at least 1")
        if self.max_waiting_photos < self.max_lines:
            raise ValueError(
                f"{self.max_waiting_photos} waiting photos are fewer than the {self.max_lines} of one request; "
                "allow more to wait, or fewer lines"
            )
        if self.max_buffered_bytes < self.max_request_bytes:
            raise ValueError(
                f"{self.max_buffered_bytes / 1e6:g} MB for all requests are less than the "
                f"{self.max_request_bytes / 1e6:g} MB of one; allow more, or smaller requests"
            )
