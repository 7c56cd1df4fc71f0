"""What Lambda allows, and the tighter budgets that this project sets itself: size is seconds at a cold start."""

from collections.abc import Mapping
from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True)
class Limit:
    """The most bytes of something, and whose rule that is."""

    max_bytes: int
    reason: str


# AWS Lambda developer guide, "Lambda quotas": deployment package and layers together, unzipped; MB there are MiB.
UNZIPPED = Limit(250 * 1024 * 1024, "Lambda takes 250 MiB unzipped")
ZIPPED = Limit(5 * MB, "our budget for a zip")
# JAX alone is 240 MB stripped: the bundle is on the volume because it breaks Lambda's limit.
BUNDLE = Limit(420 * MB, "our budget for the unpacked bundle")
# Every new instance reads the libraries it uses from the volume, and every release keeps a bundle there.
WORKER_BUNDLE = Limit(520 * MB, "our budget for the workers' bundle without CUDA")
CUDA_BUNDLE = Limit(5_600 * MB, "our budget for it with CUDA; the publisher unpacks up to 8 GB")


@dataclass(frozen=True)
class Size:
    """How large something is, and how large it may be."""

    name: str
    bytes: int
    limit: Limit

    @property
    def is_over(self) -> bool:
        """Whether it breaks its limit."""
        return self.bytes > self.limit.max_bytes

    def __str__(self) -> str:
        """Returns a line for people."""
        share = f"{self.bytes / MB:9.2f} MB of {self.limit.max_bytes / MB:7.2f}"
        return f"{self.name:<28}{share}  {'OVER' if self.is_over else 'ok':<5} {self.limit.reason}"


def sizes_json(sizes: list[Size]) -> list[Mapping[str, object]]:
    """Sizes for programs."""
    return [
        {"name": size.name, "bytes": size.bytes, "max_bytes": size.limit.max_bytes, "over": size.is_over}
        for size in sizes
    ]
