"""Photos in, records out: one each, in order, decoded ahead of the network and while it is being loaded."""

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count, islice
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from model_store.images import ImageErrorCode, ImageLimits
from model_store.records import FailedRecord, ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec, LoadedEnsemble
from model_store.runtime.executables import BATCH_SIZES
from model_store.runtime.loading import LoadedModel
from model_store.runtime.scoring import LOOK_AHEAD, OnImage, Photo, Scorer
from model_store.store import CorruptModelError, Measure, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from tests.unit.tiny_models import ALARMS, FIRST, SCORE_TOLERANCE, SECOND, plain_scores

TIMEOUT_SECONDS = 10


@pytest.fixture
def spec(published_store: ModelStore) -> EnsembleSpec:
    return EnsembleSpec.of_ensemble(published_store, "live")


@pytest.fixture(scope="module")
def published_store(published: Path) -> ModelStore:
    return ModelStore(published)


def picture(number: int) -> Image.Image:
    """A picture that no other number gives."""
    pixels = np.random.default_rng(number).integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(number: int) -> bytes:
    file = io.BytesIO()
    picture(number).save(file, "PNG")
    return file.getvalue()


def photo(number: int) -> Photo:
    return Photo(f"photo {number}", partial(png, number))


def broken(name: str, content: bytes) -> Photo:
    return Photo(name, lambda: content)


def unreadable(name: str, error: OSError) -> Photo:
    def read() -> bytes:
        raise error

    return Photo(name, read)


def test_records_come_in_the_order_of_the_photos_whatever_fails(spec: EnsembleSpec) -> None:
    photos = [photo(number) for number in range(30)]
    for place in (0, 3, 4, 11, 29):
        photos[place] = broken(f"broken {place}", b"no picture")

    records = list(Scorer(spec).score(photos))

    assert [record.file for record in records] == [one.name for one in photos]
    for one, record in zip(photos, records, strict=True):
        assert record.status == ("failed" if one.name.startswith("broken") else "scored")


def test_a_record_says_what_the_photo_is_and_what_the_members_make_of_it(spec: EnsembleSpec) -> None:
    photos = [photo(number) for number in range(11)]

    records = list(Scorer(spec).score(photos))

    resized = [picture(number).resize((18, 18), Image.Resampling.BILINEAR).crop((1, 1, 17, 17)) for number in range(11)]
    pixels = np.stack([np.asarray(image) for image in resized])
    seeds = (FIRST, SECOND, ALARMS)
    first, second, alarms = (plain_scores(seed, pixels) for seed in seeds)
    for number, record in enumerate(records):
        assert isinstance(record, ScoredRecord)
        assert (record.width, record.height) == (30, 20 + number)
        assert record.ensemble == "default@1"
        hits = record.measures[Measure.HIT_RATE]
        assert [score.score for score in hits.models] == pytest.approx(
            [first[number], second[number]], abs=SCORE_TOLERANCE
        )
        false_alarms = record.measures[Measure.FALSE_ALARM_RATE]
        assert false_alarms.score == pytest.approx(alarms[number], abs=SCORE_TOLERANCE)


@pytest.mark.parametrize(
    ("failing", "code", "message"),
    [
        (broken("a.jpg", b""), ImageErrorCode.EMPTY_FILE, "a.jpg is empty"),
        (broken("a.jpg", b"text"), ImageErrorCode.UNREADABLE_IMAGE, "a.jpg is not an image"),
        (broken("a.jpg", png(0)[:200]), ImageErrorCode.TRUNCATED_IMAGE, "a.jpg ends before"),
        (broken("a.jpg", b"%PDF-1.7"), ImageErrorCode.UNSUPPORTED_FORMAT, "a.jpg is a PDF"),
        (broken("a.jpg", png(1)), ImageErrorCode.IMAGE_TOO_LARGE, "a.jpg has"),
        (
            unreadable("a.jpg", PermissionError(13, "Permission denied", "a.jpg")),
            ImageErrorCode.UNREADABLE_IMAGE,
            "a.jpg cannot be read: Permission denied; check that it exists and may be read",
        ),
        (unreadable("a.jpg", TimeoutError("the share is gone")), ImageErrorCode.UNREADABLE_IMAGE, "the share is gone"),
    ],
    ids=["empty", "text", "cut off", "pdf", "over the limit", "forbidden", "away"],
)
def test_each_failure_is_one_record_with_its_code(
    spec: EnsembleSpec, failing: Photo, code: ImageErrorCode, message: str
) -> None:
    limits = ImageLimits(max_pixels=20 * 30)  # as many as photo 0 has

    failed, scored = Scorer(spec, limits).score([failing, photo(0)])

    assert isinstance(failed, FailedRecord)
    assert failed.file == "a.jpg"
    assert failed.error.code == code
    assert message in failed.error.message
    assert isinstance(scored, ScoredRecord)


def test_no_photos_give_no_records(spec: EnsembleSpec) -> None:
    scorer = Scorer(spec)

    assert list(scorer.score([])) == []
    assert scorer.model_seconds == 0


def test_photos_that_all_fail_cost_no_network_time(spec: EnsembleSpec) -> None:
    scorer = Scorer(spec)

    records = list(scorer.score([broken(f"{number}", b"x") for number in range(10)]))

    assert [record.status for record in records] == ["failed"] * 10
    assert scorer.model_seconds == 0


def test_times_are_counted(spec: EnsembleSpec) -> None:
    scorer = Scorer(spec)

    list(scorer.score([photo(0)]))

    assert scorer.model_seconds > 0
    assert scorer.load_seconds > 0


def test_a_model_that_cannot_be_loaded_stops_the_run(store: ModelStore) -> None:
    with (store.path("alarms") / PARAMETERS_FILE).open("r+b") as file:
        file.write(b"x")
    spec = EnsembleSpec.of_ensemble(store, "live")

    with pytest.raises(CorruptModelError, match="alarms@1 is refused"):
        list(Scorer(spec).score([photo(0)]))


def test_the_hook_sees_every_decoded_photo_upright_and_whole(spec: EnsembleSpec) -> None:
    seen: dict[str, tuple[int, int]] = {}
    hook: OnImage = lambda name, image: seen.update({name: image.size})  # noqa: E731 - typed as the port
    rotated = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(5).save(rotated, "JPEG", exif=exif)

    list(Scorer(spec, on_image=hook).score([photo(1), broken("x", b""), Photo("rotated", rotated.getvalue)]))

    assert seen == {"photo 1": (30, 21), "rotated": (25, 30)}


def test_a_large_photo_is_decoded_smaller_and_recorded_as_large_as_it_is(spec: EnsembleSpec) -> None:
    seen: list[tuple[int, int]] = []
    file = io.BytesIO()
    picture(5).resize((2300, 2100)).save(file, "JPEG")

    (record,) = Scorer(spec, on_image=lambda _, image: seen.append(image.size)).score([Photo("large", file.getvalue)])

    assert isinstance(record, ScoredRecord)
    assert (record.width, record.height) == (2300, 2100)
    assert seen == [(1150, 1050)]


def test_an_error_of_the_hook_is_not_swallowed(spec: EnsembleSpec) -> None:
    def hook(_name: str, _image: Image.Image) -> None:
        raise RuntimeError("the thumbnails cannot be kept")

    with pytest.raises(RuntimeError, match="thumbnails"):
        list(Scorer(spec, on_image=hook).score([photo(0)]))


@dataclass
class Reads:
    """Readers of photos that tell when they are called."""

    started: dict[int, threading.Event] = field(default_factory=dict)

    def photo(self, number: int, meanwhile: Callable[[], object] = lambda: None) -> Photo:
        event = self.started.setdefault(number, threading.Event())

        def read() -> bytes:
            event.set()
            meanwhile()
            return png(number % 5)

        return Photo(f"photo {number}", read)

    def wait_for(self, number: int) -> None:
        assert self.started[number].wait(TIMEOUT_SECONDS), f"photo {number} was not read"


def test_two_photos_are_read_at_the_same_time(spec: EnsembleSpec) -> None:
    together = threading.Barrier(2, timeout=TIMEOUT_SECONDS)
    reads = Reads()

    records = list(Scorer(spec).score([reads.photo(number, together.wait) for number in range(4)]))

    assert [record.status for record in records] == ["scored"] * 4


def test_photos_are_decoded_while_the_ensemble_is_loaded(spec: EnsembleSpec) -> None:
    reads = Reads()

    class WaitingSpec(EnsembleSpec):
        def load(self, loaded: Mapping[str, LoadedModel] = MappingProxyType({})) -> LoadedEnsemble:
            reads.wait_for(LOOK_AHEAD - 1)
            return super().load(loaded)

    waiting = WaitingSpec(spec.ref, spec.measures, spec.manifests, spec.folders)

    records = list(Scorer(waiting).score([reads.photo(number) for number in range(LOOK_AHEAD)]))

    assert len(records) == LOOK_AHEAD


def test_later_photos_are_decoded_while_earlier_records_are_used(spec: EnsembleSpec) -> None:
    reads = Reads()
    records = Scorer(spec).score([reads.photo(number) for number in range(LOOK_AHEAD)])

    next(records)

    reads.wait_for(LOOK_AHEAD - 1)
    assert len(list(records)) == LOOK_AHEAD - 1


def test_an_endless_list_of_photos_is_read_only_so_far_ahead(spec: EnsembleSpec) -> None:
    taken = 0

    def endless() -> Iterator[Photo]:
        nonlocal taken
        for taken in count(1):
            yield photo(taken % 5)

    used = list(islice(Scorer(spec).score(endless()), 20))

    assert len(used) == 20
    assert taken <= 20 + LOOK_AHEAD + max(BATCH_SIZES)
