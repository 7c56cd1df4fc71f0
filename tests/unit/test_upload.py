"""Batches of photos: their names, the upload, and the wait for the records, over fakes of the two ports."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorability.batches import (
    PARALLEL_UPLOADS,
    BatchError,
    Clock,
    Uploaded,
    await_records,
    batch_key,
    name_photos,
    new_batch_name,
    outcomes,
    upload_photos,
)
from memorability.deployments import Deployment, DeploymentFileError, read_deployment
from model_store.errors import MemorabilityError
from model_store.images import ImageErrorCode
from model_store.items import PhotoRecord
from model_store.records import FailedRecord, Failure, MeasureResult, ModelScore, ScoredRecord
from model_store.store import Measure
from model_store.uploads import BatchKey, UploadKey

BATCH = BatchKey("acme", "spring")
DEPLOYMENT = {"region": "eu-central-1", "uploads_bucket": "photos", "results_table": "results"}


def scored(file: str, score: float = 0.8) -> ScoredRecord:
    models = (ModelScore(model="resmem@1.1.6", score=score),)
    result = MeasureResult(score=score, percentile=None, spread=0.0, models=models)
    return ScoredRecord(file=file, width=4, height=3, ensemble="default@1", measures={Measure.HIT_RATE: result})


def failed(file: str) -> FailedRecord:
    failure = Failure(code=ImageErrorCode.EMPTY_FILE, message=f"{file} is empty, like {file}")
    return FailedRecord(file=file, error=failure)


def kept(file: str, version: str | None = "1", ensemble: str = "default") -> PhotoRecord:
    return PhotoRecord(file, ensemble, version, scored(file))


@dataclass
class FakeBucket:
    """Keeps what it is given; says how many uploads ran at once."""

    fault: Callable[[str], Exception | None] = lambda key: None
    objects: dict[str, bytes] = field(default_factory=dict)
    _meeting: threading.Barrier | None = None

    def put(self, key: str, photo: Path) -> str | None:
        if self._meeting:
            self._meeting.wait(timeout=10)
        if error := self.fault(key):
            raise error
        self.objects[key] = photo.read_bytes()
        return f"version of {key}"


@dataclass
class FakeTable:
    """Shows one state after the other, the last of them for ever."""

    states: Sequence[Sequence[PhotoRecord]]
    reads: int = 0

    def records(self, batch: BatchKey) -> list[PhotoRecord]:
        assert batch == BATCH
        self.reads += 1
        return list(self.states[min(self.reads, len(self.states)) - 1])


@dataclass
class FakeClock:
    """Time passes only while somebody sleeps."""

    time: float = 0.0
    naps: list[float] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += seconds


def wait(
    states: Sequence[Sequence[PhotoRecord]], versions: Mapping[str, str | None], clock: FakeClock | None = None
) -> dict[str, list[PhotoRecord]]:
    return await_records(FakeTable(states), BATCH, versions, 10, lambda done: None, (clock or FakeClock()).clock)


def test_photos_keep_their_names_and_those_that_share_one_are_numbered() -> None:
    files = [Path("a/beach.jpg"), Path("b/beach.jpg"), Path("c/beach.jpg"), Path("a/夏 + 100%.heic"), Path("b/none")]
    assert name_photos(files) == dict(
        zip(["beach.jpg", "beach-2.jpg", "beach-3.jpg", "夏 + 100%.heic", "none"], files, strict=True)
    )


def test_a_number_is_never_another_photos_name() -> None:
    files = [Path("a/beach.jpg"), Path("b/beach.jpg"), Path("c/beach-2.jpg"), Path("d/beach-2.jpg")]
    assert list(name_photos(files)) == ["beach.jpg", "beach-3.jpg", "beach-2.jpg", "beach-2-2.jpg"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "x-2", "x-3", "x-2-2"])), unique=True))
def test_every_file_has_one_name_and_every_name_one_file(parts: list[tuple[str, str]]) -> None:
    files = [Path(folder) / f"{name}.jpg" for folder, name in parts]
    named = name_photos(files)
    assert sorted(named.values()) == sorted(files)


def test_a_name_that_is_no_text_becomes_text() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert list(name_photos([Path(name), Path("b") / name])) == ["caf\\udce9.jpg", "caf\\udce9-2.jpg"]


def test_a_new_batch_has_a_name_of_its_own_that_says_when_it_was_made() -> None:
    now = datetime(2026, 11, 22, 15, 11, 30, tzinfo=UTC)
    names = {new_batch_name(now) for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("2026-11-22-151130-") for name in names)
    assert all(batch_key("default", name) for name in names)


@pytest.mark.parametrize("name", ["", "a/b", "a#b", ".", "..", "a\nb"])
@pytest.mark.parametrize("what", ["tenant", "batch"])
def test_a_batch_that_no_key_can_hold_is_refused(what: str, name: str) -> None:
    names = {"tenant": "acme", "batch": "spring"} | {what: name}
    with pytest.raises(BatchError, match=f"cannot name a {what}"):
        batch_key(names["tenant"], names["batch"])


def test_photos_are_uploaded_under_their_keys(tmp_path: Path) -> None:
    photos = {"夏 + 1.jpg": tmp_path / "a", "b.jpg": tmp_path / "b"}
    for name, file in photos.items():
        file.write_bytes(name.encode())
    bucket, done = FakeBucket(), list[int]()

    uploaded = upload_photos(bucket, BATCH, photos, lambda: done.append(1))

    assert bucket.objects == {str(UploadKey("acme", "spring", name)): name.encode() for name in photos}
    assert uploaded.versions == {name: f"version of uploads/acme/spring/{name}" for name in photos}
    assert len(done) == 2


def test_photos_are_uploaded_side_by_side(tmp_path: Path) -> None:
    photos = {str(number): tmp_path / str(number) for number in range(PARALLEL_UPLOADS)}
    for file in photos.values():
        file.touch()
    bucket = FakeBucket(_meeting=threading.Barrier(PARALLEL_UPLOADS))
    assert len(upload_photos(bucket, BATCH, photos, lambda: None).versions) == PARALLEL_UPLOADS


def test_a_file_that_cannot_be_read_costs_no_other_its_upload(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    uploaded = upload_photos(FakeBucket(), BATCH, {"a": tmp_path / "a", "b": tmp_path / "b"}, lambda: None)
    assert uploaded == Uploaded({"b": "version of uploads/acme/spring/b"}, {"a": "No such file or directory"})


def test_what_aws_refuses_ends_the_upload(tmp_path: Path) -> None:
    photos = {f"{number:03}": tmp_path for number in range(200)}
    tried: list[str] = []

    def refuse(key: str) -> Exception:
        tried.append(key)
        return MemorabilityError("access denied")

    with pytest.raises(MemorabilityError, match="access denied"):
        upload_photos(FakeBucket(refuse), BATCH, photos, lambda: None)
    assert len(tried) < len(photos)


def test_a_name_too_long_for_a_record_is_refused_before_anything_is_uploaded(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    bucket = FakeBucket()
    with pytest.raises(BatchError, match="more than 900 bytes; rename it"):
        upload_photos(bucket, BATCH, {"a": tmp_path / "a", "x" * 901: tmp_path / "a"}, lambda: None)
    assert not bucket.objects


def test_waiting_ends_with_the_last_record() -> None:
    clock = FakeClock()
    found = wait([[], [kept("a")], [kept("a"), kept("b"), kept("others")]], {"a": "1", "b": "1"}, clock)
    assert found == {"a": [kept("a")], "b": [kept("b")]}
    assert clock.naps == [0.5, 0.5]


def test_nothing_is_waited_for_where_nothing_was_uploaded() -> None:
    table = FakeTable([[]])
    assert await_records(table, BATCH, {}, 10, lambda done: None) == {}
    assert table.reads == 0


def test_the_record_of_an_earlier_upload_is_not_taken_for_the_new_one() -> None:
    found = wait([[kept("a", "old")], [kept("a", "new")]], {"a": "new"})
    assert found == {"a": [kept("a", "new")]}


def test_patience_ends_only_when_nothing_comes_any_more() -> None:
    clock = FakeClock()
    slow = [[], *[[]] * 15, *[[kept("a")]] * 15, [kept("a"), kept("b")]]  # 15 s altogether, never 10 in vain
    assert wait(slow, {"a": "1", "b": "1", "c": "1"}, clock).keys() == {"a", "b"}
    assert 25 <= clock.time <= 27


def test_large_batches_are_read_less_often() -> None:
    clock = FakeClock()
    wait([[]], {str(number): "1" for number in range(1000)}, clock)
    assert set(clock.naps) == {5.0}


def test_progress_is_told() -> None:
    told: list[int] = []
    table = FakeTable([[], [kept("a")], [kept("a"), kept("b")]])
    await_records(table, BATCH, {"a": "1", "b": "1"}, 10, told.append, FakeClock().clock)
    assert told == [0, 1, 2]


def test_records_name_the_photo_as_the_user_does() -> None:
    photos = {name: Path("shots") / name for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")}
    uploaded = Uploaded({"a.jpg": "1", "c.jpg": "1", "d.jpg": "1"}, {"b.jpg": "Permission denied"})
    found = {"c.jpg": [PhotoRecord("c.jpg", "default", "1", failed("c.jpg"))], "a.jpg": [kept("a.jpg")]}

    ready = outcomes(photos, uploaded, found)

    assert [(outcome.record.file, outcome.ensemble) for outcome in ready] == [
        ("shots/a.jpg", "default"),
        ("shots/b.jpg", None),
        ("shots/c.jpg", "default"),
    ]
    assert ready[0].record == scored("shots/a.jpg")
    messages = [outcome.record.error.message for outcome in ready if outcome.record.status == "failed"]
    assert messages == [
        "shots/b.jpg cannot be read: Permission denied; check that it exists and may be read",
        "shots/c.jpg is empty, like c.jpg",
    ]


def test_a_deployment_is_read_whatever_else_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(
        '{"region": "eu-central-1", "uploads_bucket": "photos", "results_table": "results", "api_url": null}'
    )
    assert read_deployment(file) == Deployment(**DEPLOYMENT)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"region": "", "results_table": 7}', "region: .*; uploads_bucket: .*; results_table: "),
    ],
)
def test_a_file_that_is_no_deployment_says_all_that_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(content)
    with pytest.raises(DeploymentFileError, match=message) as error:
        read_deployment(file)
    assert str(file) in str(error.value)
    assert "make local-up" in str(error.value)


def test_a_deployment_file_that_is_missing_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFileError, match="cannot be read .*`make deploy` writes"):
        read_deployment(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("endpoint", "is_local"),
    [
        (None, False),
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("http://10.0.0.7:4566", False),
        ("https://s3.eu-central-1.amazonaws.com", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_only_this_machine_is_local(endpoint: str | None, is_local: bool) -> None:
    assert Deployment(endpoint_url=endpoint, **DEPLOYMENT).is_local is is_local
