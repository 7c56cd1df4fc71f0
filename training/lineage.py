"""Whether a network has learned from the very photos that are to be measured on.

A fine-tuned version keeps the first bytes of the digest of each photo that it, or what it began with, has learned from.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from model_store.store import CorruptModelError, Manifest, ModelStore
from model_store.store.tensors import map_tensors, write_tensors
from training.data import Dataset, Example
from training.describing import dataset_digest
from training.errors import TrainingError
from training.runs import SEEN_FILE
from training.training import OPEN_SPLITS

_DIGESTS = "sha256"
_DIGEST_BYTES = 8  # of 60,000 photos and 60,000 others, two agree by chance once in five billion cases

type Digests = frozenset[bytes]
"""The first bytes of the SHA-256 of photos."""


def require_unseen_by(store: ModelStore, trunks: Iterable[Manifest], dataset: Dataset) -> None:
    """Refuses networks that were fine-tuned on photos of a data set: what is trained on them would know these already.

    Raises:
        TrainingError: one was; the message says on how many.
        CorruptModelError: what a network keeps of its photos cannot be read.
    """
    for trunk in trunks:
        if known := _known_photos(store, trunk, dataset):
            raise TrainingError(
                f"{trunk.ref} was fine-tuned on {len(known):,} of these {len(dataset.examples):,} photos "
                f"({known[0].name} is the first), on which nothing that is trained on it could be measured: "
                f"begin with {trunk.fine_tuned_from}, or leave them out"
            )


def seen_photos(store: ModelStore, trunk: Manifest, examples: Iterable[Example]) -> Digests:
    """What a network will have learned from once it was fine-tuned.

    Args:
        store: holds the network that it began with.
        trunk: that network, which may have been fine-tuned itself.
        examples: that it learns from.

    Raises:
        CorruptModelError: what the network keeps of its photos cannot be read.
    """
    return frozenset(map(_digest, examples)) | (_read_seen(store, trunk) or frozenset())


def write_seen(path: Path, seen: Digests) -> None:
    """Writes what a network has learned from to a file of its version."""
    packed = np.frombuffer(b"".join(sorted(seen)), np.uint8).reshape(-1, _DIGEST_BYTES)
    write_tensors(path, {_DIGESTS: packed})


def _known_photos(store: ModelStore, trunk: Manifest, dataset: Dataset) -> Sequence[Example]:
    if not trunk.fine_tuned_from:
        return ()
    seen = _read_seen(store, trunk)
    if seen is None:  # a version of an earlier release knows its data set as a whole
        open_set = dataset.only(OPEN_SPLITS)
        return open_set.examples if trunk.provenance.source_sha256 == dataset_digest(open_set) else ()
    return [example for example in dataset.examples if _digest(example) in seen]


def _digest(example: Example) -> bytes:
    return bytes.fromhex(example.sha256)[:_DIGEST_BYTES]


def _read_seen(store: ModelStore, network: Manifest) -> Digests | None:
    if SEEN_FILE not in network.files:
        return None
    path = store.path(network.ref) / SEEN_FILE
    try:
        packed = map_tensors(path)[_DIGESTS]
    except (FileNotFoundError, KeyError) as error:
        raise CorruptModelError(f"{path} does not hold the photos that {network.ref} learned from") from error
    return frozenset(row.tobytes() for row in packed)
