"""Photos in, records out: decoding runs in threads ahead of the network, and while the ensemble is being loaded."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched

from PIL.Image import Image

from model_store.images import ImageError, ImageErrorCode, ImageLimits, Preprocessing, decode_scaled
from model_store.records import FailedRecord, Failure, MeasureResult, ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble, Pixels, measure_all
from model_store.runtime.executables import BATCH_SIZES
from model_store.store import Measure

# Two decoders keep two cores busy and hold at most two photos of full size in memory at a time.
DECODERS = 2
LOOK_AHEAD = 3 * max(BATCH_SIZES)
SHARP_SIDE = 1024  # pixels: photos are decoded no smaller, so that pictures of them to look at can be made

DEFAULT_LIMITS = ImageLimits()

type OnImage = Callable[[str, Image], object]


@dataclass(frozen=True)
class Photo:
    """A photo by name; `read` fetches its bytes, and may raise `ImageError` or `OSError`."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class DecodedPhoto:
    """A photo as the members want it; width and height are the upright photo's, in pixels."""

    name: str
    width: int
    height: int
    pixels: Pixels


class Scorer:
    """Scores photos with one ensemble.

    Attributes:
        model_seconds: time spent in the networks so far.
        load_seconds: time it took to load the ensemble, decoding meanwhile.
    """

    def __init__(
        self, spec: EnsembleSpec, limits: ImageLimits = DEFAULT_LIMITS, on_image: OnImage | None = None
    ) -> None:
        """Names the ensemble; nothing is loaded before the first photo.

        Args:
            spec: the ensemble.
            limits: what a photo may be at most.
            on_image: called with a photo's name and its upright image, from the decoding threads. The image's shorter
                side has `SHARP_SIDE` pixels at least, or as many as the photo's.
        """
        self.model_seconds = 0.0
        self.load_seconds = 0.0
        self._spec = spec
        self._limits = limits
        self._on_image = on_image

    def score(self, photos: Iterable[Photo]) -> Iterator[ScoredRecord | FailedRecord]:
        """Yields one record a photo, in their order; a photo that cannot be scored gives a failed record.

        Raises:
            CorruptModelError: the ensemble cannot be loaded.
        """
        with ThreadPoolExecutor(1) as loader, ThreadPoolExecutor(DECODERS) as decoders:
            ensemble = loader.submit(self._load)
            for outcomes in batched(self._decode_ahead(photos, decoders), max(BATCH_SIZES), strict=False):
                yield from self._score_batch(ensemble.result(), outcomes)

    def _load(self) -> LoadedEnsemble:
        start = time.perf_counter()
        ensemble = self._spec.load()
        self.load_seconds = time.perf_counter() - start
        return ensemble

    def _decode_ahead(
        self, photos: Iterable[Photo], decoders: ThreadPoolExecutor
    ) -> Iterator[DecodedPhoto | FailedRecord]:
        cuts = self._spec.preprocessings
        pending: deque[Future[DecodedPhoto | FailedRecord]] = deque()
        for photo in photos:
            pending.append(decoders.submit(decode_photo, photo, cuts, self._limits, self._on_image))
            if len(pending) == LOOK_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _score_batch(
        self, ensemble: LoadedEnsemble, outcomes: Sequence[DecodedPhoto | FailedRecord]
    ) -> list[ScoredRecord | FailedRecord]:
        start = time.perf_counter()
        records = [by_name[ensemble.spec.name] for by_name in score_with_all([ensemble], outcomes)]
        if any(record.status == "scored" for record in records):
            self.model_seconds += time.perf_counter() - start
        return records


def decode_photo(
    photo: Photo, cuts: Collection[Preprocessing], limits: ImageLimits, on_image: OnImage | None = None
) -> DecodedPhoto | FailedRecord:
    """Reads and decodes a photo, as large as needed, and cuts it in every way that models want."""
    try:
        shorter_side = max([SHARP_SIDE, *(cut.shorter_side for cut in cuts)])
        picture = decode_scaled(photo.read(), photo.name, shorter_side, limits)
    except ImageError as error:
        return failed_record(photo.name, error)
    except OSError as error:
        message = f"{photo.name} cannot be read: {error.strerror or error}; check that it exists and may be read"
        return FailedRecord(file=photo.name, error=Failure(code=ImageErrorCode.UNREADABLE_IMAGE, message=message))
    if on_image:
        on_image(photo.name, picture.image)
    pixels = {cut: cut.apply(picture.image, picture.region) for cut in cuts}
    return DecodedPhoto(photo.name, picture.width, picture.height, pixels)


def failed_record(name: str, error: ImageError) -> FailedRecord:
    """The record of a photo that gives no picture."""
    return FailedRecord(file=name, error=Failure(code=error.code, message=str(error)))


def score_with_all(
    ensembles: Sequence[LoadedEnsemble], outcomes: Sequence[DecodedPhoto | FailedRecord]
) -> list[dict[str, ScoredRecord | FailedRecord]]:
    """Scores a batch with several ensembles.

    Args:
        ensembles: at least one, each of another name.
        outcomes: photos cut in every way that the ensembles want, and records of those that could not be decoded.

    Returns:
        For each outcome its record by the name of the ensemble; a photo that failed fails for all of them.
    """
    decoded = [outcome for outcome in outcomes if isinstance(outcome, DecodedPhoto)]
    measured = iter(measure_all(ensembles, [photo.pixels for photo in decoded]) if decoded else [])
    return [
        _scored_records(ensembles, outcome, next(measured))
        if isinstance(outcome, DecodedPhoto)
        else {ensemble.spec.name: outcome for ensemble in ensembles}
        for outcome in outcomes
    ]


def _scored_records(
    ensembles: Sequence[LoadedEnsemble], photo: DecodedPhoto, measures: Sequence[Mapping[Measure, MeasureResult]]
) -> dict[str, ScoredRecord | FailedRecord]:
    return {
        ensemble.spec.name: ScoredRecord(
            file=photo.name, width=photo.width, height=photo.height, ensemble=ensemble.spec.ref, measures=measured
        )
        for ensemble, measured in zip(ensembles, measures, strict=True)
    }
