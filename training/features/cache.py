"""Features on disk, by the photo's digest: a run that was killed goes on where it stopped, a later run adds new photos.

A folder of shards, each a safetensors file that appears whole or not at all. Nothing in it names a photo.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from model_store.models.taps import taps
from model_store.store import CorruptModelError, Manifest
from model_store.store.atomic import exclusive_lock, make_folder, new_staging_path, rename, sweep
from model_store.store.hashing import sha256_file
from model_store.store.layout import LOCK_FILE
from model_store.store.tensors import map_tensors, write_tensors

_DIGESTS, _FEATURES, _SCORES = "sha256", "features", "scores"
_DIGEST_BYTES = 32
_LOCK_TIMEOUT_SECONDS = 120  # a shard of 64 photos takes 3 MB

type Features = Float[np.ndarray, "photos features"]


@dataclass(frozen=True)
class Seen:
    """What a trunk makes of photos.

    Attributes:
        features: float32.
        scores: the trunk's own.
    """

    features: Features
    scores: Float[np.ndarray, " photos"]


def cache_folder(root: Path, trunk: Manifest, view: str) -> Path:
    """Where the features of a trunk lie: whatever makes other features of a photo goes elsewhere."""
    tapped = taps(trunk.architecture, trunk.architecture_settings)
    makers = (trunk.files["params.safetensors"].sha256, trunk.preprocessing, tapped)
    digest = hashlib.sha256(repr(makers).encode()).hexdigest()[:16]
    return root / "features" / f"{trunk.name}-{trunk.version}-{digest}" / view


@dataclass(frozen=True)
class FeatureCache:
    """The shards of one trunk and view.

    Attributes:
        folder: where they lie; made when the first is written. Several runs may share it.
    """

    folder: Path

    def known(self) -> frozenset[str]:
        """Digests of the photos whose features are here; shards that were damaged are removed."""
        return frozenset(self._places)

    def add(self, digests: Sequence[str], seen: Seen) -> None:
        """Keeps what was seen of photos, by their digests in hexadecimal; features as float16, within 0.05 %.

        Raises:
            InUseError: another run has been writing a shard for minutes.
        """
        packed = np.frombuffer(bytes.fromhex("".join(digests)), np.uint8).reshape(-1, _DIGEST_BYTES)
        limit = np.finfo(np.float16).max
        narrow = np.clip(seen.features, -limit, limit).astype(np.float16)
        make_folder(self.folder)
        with exclusive_lock(self.folder / LOCK_FILE, f"the features in {self.folder}", _LOCK_TIMEOUT_SECONDS):
            sweep(self.folder)
            staging = new_staging_path(self.folder)
            write_tensors(staging, {_DIGESTS: packed, _FEATURES: narrow, _SCORES: seen.scores})
            rename(staging, self.folder / f"{sha256_file(staging)[:32]}.safetensors")
        self.__dict__.pop("_places", None)

    def load(self, digests: Iterable[str]) -> Seen:
        """What was seen of photos, in their order.

        Raises:
            KeyError: one is not here.
        """
        places = [self._places[digest] for digest in digests]
        shards = {shard: map_tensors(shard) for shard, _ in places}
        return Seen(
            np.stack([shards[shard][_FEATURES][row] for shard, row in places]).astype(np.float32),
            np.array([shards[shard][_SCORES][row] for shard, row in places]),
        )

    @cached_property
    def _places(self) -> dict[str, tuple[Path, int]]:
        places: dict[str, tuple[Path, int]] = {}
        for shard in sorted(self.folder.glob("*.safetensors")):
            try:
                digests = map_tensors(shard)[_DIGESTS]
            except (CorruptModelError, KeyError):
                shard.unlink(missing_ok=True)  # another run may have been faster
                continue
            places |= {row.tobytes().hex(): (shard, index) for index, row in enumerate(digests)}
        return places
