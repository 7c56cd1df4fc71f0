"""Downloads one large file: resumed after a break, retried with patience, admitted by its SHA-256 only."""

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import requests

from model_store.errors import MemorabilityError
from model_store.store.hashing import sha256_file

ATTEMPTS = 5
CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60

# `user:password@` in an address.
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

Progress = Callable[[int, int | None], None]
"""Called with the bytes there are and the bytes there will be, None where the server does not say."""


class DownloadError(MemorabilityError):
    """A file that could not be fetched, or that is not the one it should be; the message tells no password."""

    def __init__(self, message: str) -> None:
        super().__init__(_CREDENTIALS.sub("", message))


def download(
    url: str,
    target: Path,
    sha256_prefix: str,
    progress: Progress = lambda _done, _total: None,
    pause_seconds: float = 2.0,
) -> Path:
    """Fetches `url` to `target`, continuing `<target>.part` where an earlier call broke off.

    Args:
        url: what to fetch.
        target: where it goes once it is whole; if it is there already nothing is fetched.
        sha256_prefix: how its SHA-256 must begin, in hexadecimal; all 64 digits where they are known.
        progress: told how far it is.
        pause_seconds: before the second attempt; doubled before each further one.

    Raises:
        DownloadError: it cannot be had after several attempts, is another file than expected, or cannot be written.
    """
    try:
        return _download(url, target, sha256_prefix, progress, pause_seconds)
    except OSError as error:
        raise DownloadError(
            f"{target} cannot be written ({error.strerror or error}); free some space there, or choose another folder"
        ) from error


def _download(url: str, target: Path, sha256_prefix: str, progress: Progress, pause_seconds: float) -> Path:
    if target.exists() and sha256_file(target).startswith(sha256_prefix):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    _fetch_with_patience(url, part, progress, pause_seconds)
    found = sha256_file(part)
    if not found.startswith(sha256_prefix):
        part.unlink()
        raise DownloadError(
            f"{url} is not the expected file: its SHA-256 is {found}, expected {sha256_prefix}. Nothing was kept; "
            "try again, and if it happens again ask who runs the server"
        )
    return part.rename(target)


def _fetch_with_patience(url: str, part: Path, progress: Progress, pause_seconds: float) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch_rest(url, part, progress)
        except requests.RequestException as error:
            if attempt == ATTEMPTS or not _is_worth_a_retry(error):
                kept = part.stat().st_size if part.exists() else 0
                raise DownloadError(
                    f"{url} could not be fetched in {attempt} attempt(s): {error}. "
                    f"{kept:,} bytes are kept; the same command continues from there"
                ) from error
            time.sleep(pause_seconds * 2 ** (attempt - 1))
        else:
            return


def _is_worth_a_retry(error: requests.RequestException) -> bool:
    status = None if error.response is None else error.response.status_code
    return status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS


def _fetch_rest(url: str, part: Path, progress: Progress) -> None:
    """Appends what is missing; a server that cannot resume sends all of it again."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"} if done else {"Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if done and response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is there; the digest will tell
        response.raise_for_status()
        resumed = response.status_code == HTTPStatus.PARTIAL_CONTENT
        done = done if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise requests.ConnectionError(f"the connection broke off after {done:,} of {total:,} bytes")
