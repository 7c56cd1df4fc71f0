"""Runs the trunks over every photo that has not been seen yet, with the very programs that serve them."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from model_store.images import ImageLimits, Preprocessing, decode
from model_store.models.taps import feature_count
from model_store.runtime.loading import LoadedModel, load_model
from model_store.store import Manifest, ModelStore
from training.data import Dataset, Example
from training.data.photos import DECODERS
from training.errors import TrainingError
from training.features.cache import FeatureCache, Seen, cache_folder

SHARD_PHOTOS = 64  # what a killed run loses at most: half a minute of ResNet-152


class View(StrEnum):
    """How a photo is shown to the trunk."""

    STANDARD = "standard"
    MIRRORED = "mirrored"

    def apply(self, pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """Returns the pixels of this view."""
        return pixels if self is View.STANDARD else pixels[:, ::-1]


@dataclass(frozen=True)
class Progress:
    """How far the extraction has come.

    Attributes:
        step: what is being done, for people.
        done: photos that were dealt with, those of earlier runs included.
        total: photos there are.
        seconds_left: at the pace of this run; None before its first shard.
    """

    step: str
    done: int
    total: int
    seconds_left: float | None = None


type OnProgress = Callable[[Progress], object]


def require_trunks(store: ModelStore, refs: Sequence[str]) -> tuple[Manifest, ...]:
    """Manifests of the trunks that heads are to read.

    Raises:
        NotFoundError: one is not in the store.
        TrainingError: one gives no features, or they want photos cut in different ways.
    """
    trunks = tuple(store.manifest(ref) for ref in refs)
    for trunk in trunks:
        if not feature_count(trunk.architecture, trunk.architecture_settings):
            raise TrainingError(f"{trunk.ref} is a {trunk.architecture}, which gives no features to train heads on")
    if len({trunk.preprocessing for trunk in trunks}) > 1 or len({trunk.name for trunk in trunks}) < len(trunks):
        names = ", ".join(trunk.ref for trunk in trunks)
        raise TrainingError(f"{names} cannot be trunks together: they must differ, and cut photos in the same way")
    return trunks


def extract(
    store: ModelStore,
    trunk: Manifest,
    dataset: Dataset,
    cache_root: Path,
    view: View,
    on_progress: OnProgress = lambda _progress: None,
) -> Seen:
    """What a trunk sees of every photo, in the data set's order; computes those that are not in the cache.

    Raises:
        CorruptModelError: the trunk cannot be loaded.
    """
    cache = FeatureCache(cache_folder(cache_root, trunk, view))
    by_digest = {example.sha256: example for example in dataset.examples}
    known = cache.known()
    new = [example for digest, example in by_digest.items() if digest not in known]
    step = f"{trunk.ref}, {view} view"
    on_progress(Progress(step, len(by_digest) - len(new), len(by_digest)))
    if new:
        model = load_model(store.path(trunk.ref), trunk, with_features=True)
        start = time.monotonic()
        done = 0
        for examples, seen in _see(model, new, view):
            cache.add([example.sha256 for example in examples], seen)
            done += len(examples)
            left = (time.monotonic() - start) / done * (len(new) - done)
            on_progress(Progress(step, len(by_digest) - len(new) + done, len(by_digest), left))
    return cache.load(example.sha256 for example in dataset.examples)


def _see(model: LoadedModel, examples: Sequence[Example], view: View) -> Iterator[tuple[tuple[Example, ...], Seen]]:
    """Yields shard after shard; the next one is decoded meanwhile."""
    preprocessing = model.manifest.preprocessing
    cut = Preprocessing(resize=preprocessing.resize, crop=preprocessing.crop)

    def pixels(example: Example) -> UInt8[np.ndarray, "crop crop 3"]:
        return view.apply(cut.apply(decode(example.path.read_bytes(), example.name, ImageLimits())))

    shards = list(batched(examples, SHARD_PHOTOS, strict=False))
    with ThreadPoolExecutor(DECODERS) as pool:
        decoded = pool.map(pixels, shards[0])
        for shard, following in zip(shards, [*shards[1:], ()], strict=True):
            images = np.stack(list(decoded))
            decoded = pool.map(pixels, following)
            scores, features = model.see(images)
            yield shard, Seen(features, scores)
