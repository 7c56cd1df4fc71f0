"""Subjects of the store on JAX's device, as the worker explains with them."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from gpu_worker.device import Device
from gpu_worker.lru import BudgetedCache
from gpu_worker.ports import Counters, UnexplainableError
from model_store.heatmap_drawing import ComputedMap, Heatmap, draw
from model_store.heatmap_items import HeatmapOrigin, HeatmapPlace
from model_store.heatmaps.explainers import SubjectExplainer, SubjectSpec
from model_store.heatmaps.gradcam import NoFeaturesError
from model_store.heatmaps.maps import shared_scale
from model_store.heatmaps.methods import Method
from model_store.heatmaps.networks import Network
from model_store.heatmaps.records import Faithfulness, HeatmapFailure
from model_store.heatmaps.subjects import HeatmapSubject, SubjectError
from model_store.images import Preprocessing
from model_store.runtime.following import Follower
from model_store.runtime.scoring import DecodedPhoto
from model_store.store import Manifest, ModelStore, NotFoundError

logger = logging.getLogger(__name__)

UNKNOWN_SUBJECT, UNSUPPORTED_METHOD = "unknown_subject", "unsupported_method"

# XLA compiles for every size of a batch: a few sizes, of which any number of photos can be made up.
BATCH_SIZES = (64, 16, 4, 1)
MAX_SUBJECTS = 64  # whose names are followed; the memory that their networks take has a limit of its own


@final
@dataclass(frozen=True)
class DeviceExplainer:
    """The `Explainer` of a subject whose networks are on the device.

    Attributes:
        subject: them.
        device: what they compute on.
    """

    subject: SubjectExplainer
    device: Device

    @property
    def preprocessings(self) -> frozenset[Preprocessing]:
        """The ways in which the networks want a photo cut."""
        return self.subject.preprocessings

    def explain(self, method: Method, photos: Sequence[DecodedPhoto]) -> list[ComputedMap]:
        """Computes maps, as `gpu_worker.ports.Explainer` says, in batches of compiled sizes."""
        return [computed for part in in_compiled_sizes(photos) for computed in self._explain(method, part)]

    def scale(self, maps: Sequence[ComputedMap]) -> float:
        """The value that gets the full colour."""
        return shared_scale([computed.photo_map for computed in maps])

    def draw(
        self, computed: ComputedMap, photo: DecodedPhoto, place: HeatmapPlace, origin: HeatmapOrigin, scale: float
    ) -> Heatmap:
        """Draws a map and writes its record."""
        return draw(computed, place, origin, (photo.width, photo.height), scale)

    def _explain(self, method: Method, photos: Sequence[DecodedPhoto]) -> Iterator[ComputedMap]:
        pixels = [photo.pixels for photo in photos]
        try:
            maps = self.subject.explain(pixels, method)
        except NoFeaturesError as error:
            raise UnexplainableError(HeatmapFailure(code=UNSUPPORTED_METHOD, message=str(error))) from error
        faithfulness: Sequence[Faithfulness | None] = [None] * len(maps)
        if self._is_worth_measuring(method):
            faithfulness = self.subject.measure_faithfulness(pixels, maps)
        for found, figures in zip(maps, faithfulness, strict=True):
            yield ComputedMap(found, self.subject.explained_members(method), self.subject.spec.measure, figures)

    def _is_worth_measuring(self, method: Method) -> bool:
        """Not where it would take many times as long as the map: 44 score passes on a CPU for a map of one."""
        return not (self.device.is_cpu and method is Method.GRADCAM)


@final
class StoreExplainers:
    """The `Explainers` of a store: followed when an alias moves, as `Follower` says, and kept within the memory."""

    def __init__(self, store: ModelStore, device: Device, counters: Counters) -> None:
        """Names the store; nothing is loaded before it is asked for."""
        self._store = store
        self._device = device
        self._counters = counters
        self._networks: BudgetedCache[Network] = BudgetedCache(device.models_bytes, lambda network: network.nbytes)
        # A subject is loaded once before it is followed to, so that a version that cannot be loaded is not taken.
        self._subjects: Follower[HeatmapSubject, _Followed, _Followed] = Follower(
            lambda subject: _Followed(SubjectSpec.of(store, subject)),
            self._try,
            most=MAX_SUBJECTS,
            on_refusal=lambda _serving, _error: counters.count("SubjectsRefused"),
        )

    def get(self, subject: HeatmapSubject) -> DeviceExplainer:
        """A subject, loaded, as `gpu_worker.ports.Explainers` says."""
        try:
            followed = self._subjects.get(subject)
        except (NotFoundError, SubjectError) as error:
            raise UnexplainableError(HeatmapFailure(code=UNKNOWN_SUBJECT, message=str(error))) from error
        return DeviceExplainer(followed.spec.load(self._load), self._device)

    def _try(self, followed: "_Followed") -> "_Followed":
        followed.spec.load(self._load)
        return followed

    def _load(self, folder: Path, manifest: Manifest) -> Network:
        def load() -> Network:
            start = time.perf_counter()
            network = Network.load(folder, manifest)
            seconds = time.perf_counter() - start
            logger.info("%s is loaded after %.2f s", manifest.ref, seconds)
            self._counters.seconds("ModelLoadTime", seconds)
            return network

        return self._networks.get(manifest.ref, load)


@dataclass(frozen=True)
class _Followed:
    """A subject, and what it stands for."""

    spec: SubjectSpec

    @property
    def ref(self) -> str:
        """The model's or ensemble's `name@version`."""
        return self.spec.ensemble.ref


def in_compiled_sizes[Photo](photos: Sequence[Photo]) -> Iterator[Sequence[Photo]]:
    """Splits photos into batches of compiled sizes, largest first, so that no padding is computed."""
    start = 0
    for size in BATCH_SIZES:
        while len(photos) - start >= size:
            yield photos[start : start + size]
            start += size
