"""Downloads over real HTTP: whole, resumed, retried, refused."""

import hashlib
import random
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest

from model_store.importing.download import ATTEMPTS, CHUNK_BYTES, DownloadError, download
from tests.unit.importing.servers import Fault, Index

CONTENT = random.Random(0).randbytes(3 * CHUNK_BYTES + 12345)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CUT = CHUNK_BYTES + 777

# No test waits.
fetch = partial(download, pause_seconds=0)


@pytest.fixture
def url(index: Index) -> str:
    index.files["model.whl"] = CONTENT
    return index.file_url("model.whl")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "model.whl"


def ranges(index: Index) -> list[str | None]:
    return [request.range for request in index.requests]


def assert_only(target: Path) -> None:
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("prefix", [SHA256, SHA256[:8]])
def test_a_file_is_fetched_whole(index: Index, url: str, target: Path, prefix: str) -> None:
    progress: list[tuple[int, int | None]] = []

    assert fetch(url, target, prefix, lambda done, total: progress.append((done, total))) == target

    assert_only(target)
    assert ranges(index) == [None]
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert progress[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_there_already_is_not_fetched(index: Index, url: str, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)

    fetch(url, target, SHA256)

    assert index.requests == []


def test_another_file_of_that_name_is_replaced(url: str, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"of another version")

    fetch(url, target, SHA256)

    assert_only(target)


def part_of(target: Path, content: bytes) -> None:
    target.parent.mkdir()
    target.with_name("model.whl.part").write_bytes(content)


def test_a_part_is_continued_and_not_fetched_again(index: Index, url: str, target: Path) -> None:
    part_of(target, CONTENT[:CUT])
    progress: list[tuple[int, int | None]] = []

    fetch(url, target, SHA256, lambda done, total: progress.append((done, total)))

    assert_only(target)
    assert ranges(index) == [f"bytes={CUT}-"]
    assert all(done > CUT for done, _ in progress)
    assert progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_part_that_is_whole_already_is_taken(index: Index, url: str, target: Path) -> None:
    part_of(target, CONTENT)

    fetch(url, target, SHA256)

    assert_only(target)
    assert ranges(index) == [f"bytes={len(CONTENT)}-"]


def test_a_server_that_cannot_continue_sends_all_again(index: Index, url: str, target: Path) -> None:
    index.ranges = False
    part_of(target, CONTENT[:CUT])

    fetch(url, target, SHA256)

    assert_only(target)


def test_a_broken_connection_is_continued_where_it_broke(index: Index, url: str, target: Path) -> None:
    index.faults.extend([Fault(cut_after=CUT), Fault(cut_after=CHUNK_BYTES)])

    fetch(url, target, SHA256)

    assert_only(target)
    first, *further = ranges(index)
    assert first is None
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in further if asked]
    assert len(starts) == 2
    assert 0 < starts[0] <= CUT, "what arrived before the break is kept"
    assert starts[0] < starts[1] <= starts[0] + CHUNK_BYTES


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_server_in_trouble_is_asked_again(index: Index, url: str, target: Path, status: int) -> None:
    index.faults.extend([Fault(HTTPStatus(status))] * (ATTEMPTS - 1))

    fetch(url, target, SHA256)

    assert_only(target)
    assert len(index.requests) == ATTEMPTS


def test_a_server_that_stays_in_trouble_keeps_the_part_for_the_next_call(index: Index, url: str, target: Path) -> None:
    index.faults.extend([Fault(cut_after=CUT), *[Fault(HTTPStatus.SERVICE_UNAVAILABLE)] * (ATTEMPTS - 1)])

    with pytest.raises(DownloadError) as caught:
        fetch(url, target, SHA256)

    assert f"could not be fetched in {ATTEMPTS} attempt(s)" in str(caught.value)
    assert "the same command continues from there" in str(caught.value)
    assert not target.exists()
    kept = target.with_name("model.whl.part").stat().st_size
    assert kept > 0
    index.requests.clear()
    fetch(url, target, SHA256)
    assert ranges(index) == [f"bytes={kept}-"]
    assert_only(target)


@pytest.mark.parametrize("status", [404, 403, 401])
def test_a_refusal_is_final(index: Index, url: str, target: Path, status: int) -> None:
    index.faults.append(Fault(HTTPStatus(status)))

    with pytest.raises(DownloadError, match=rf"could not be fetched in 1 attempt\(s\): {status}"):
        fetch(url, target, SHA256)

    assert len(index.requests) == 1
    assert not target.exists()


@pytest.mark.parametrize("left_behind", [b"", b"of another version", CONTENT + b"too long"])
def test_another_file_than_expected_is_not_kept(index: Index, url: str, target: Path, left_behind: bytes) -> None:
    index.files["model.whl"] = b"something else" * 1000
    part_of(target, left_behind)

    with pytest.raises(DownloadError) as caught:
        fetch(url, target, SHA256)

    assert "is not the expected file: its SHA-256 is " in str(caught.value)
    assert SHA256 in str(caught.value)
    assert list(target.parent.iterdir()) == []


def test_nobody_there(target: Path) -> None:
    with pytest.raises(DownloadError, match=r"http://127\.0\.0\.1:1/model\.whl could not be fetched"):
        fetch("http://127.0.0.1:1/model.whl", target, SHA256)


def test_a_folder_that_cannot_be_written_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        DownloadError, match=r"file/model\.whl cannot be written \(File exists\); free some space there, or choose"
    ):
        fetch(url, tmp_path / "file" / "model.whl", SHA256)


def test_no_message_tells_a_password(index: Index, target: Path) -> None:
    url = index.file_url("missing").replace("http://", "http://user:secret@")

    with pytest.raises(DownloadError) as caught:
        fetch(url, target, SHA256)

    assert index.requests[0].authorization is not None
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)
