"""Whether a network has learned from the very photos that are to be measured on.

A fine-tuned version keeps the first bytes of the digest of each photo that it, or what it began with, has learned from.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from model_store.store import CorruptModelError, Manifest, ModelStore, NotFoundError
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
    seen = _read_seen(store, trunk) or frozenset()
    if known := [example for example in dataset.examples if _digest(example) in seen]:
        return known
    open_set = dataset.only(OPEN_SPLITS)
    digest = dataset_digest(open_set)
    # Versions of earlier releases know their data set as a whole, and those that began with them do not know it at all.
    earlier = (network for network in _lineage(store, trunk) if SEEN_FILE not in network.files)
    return open_set.examples if any(network.provenance.source_sha256 == digest for network in earlier) else ()


def _lineage(store: ModelStore, network: Manifest) -> Iterator[Manifest]:
    """A network and what it began with, back to the one that was not fine-tuned, as far as the store still has them."""
    while network.fine_tuned_from:
        yield network
        try:
            network = store.manifest(network.fine_tuned_from)
        except NotFoundError:
            return


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
