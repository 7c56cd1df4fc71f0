"""Page, sign-in and API as browsers use them: a batch from its creation to its deletion."""

import json
import secrets
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx
import pytest

from model_store.records import ScoredRecord
from scripts.local_platform.platform import LocalPlatform
from scripts.local_platform.users import Developer
from tests.platform.hosted_sign_in import TIMEOUT_SECONDS, id_token
from tests.platform.platform_client import wait_until
from tests.platform.records import TOLERANCE, score_of


@pytest.fixture(scope="module")
def origin(platform: LocalPlatform) -> str:
    """Of the page."""
    status = platform.status()
    assert status
    url: str = status["page_url"]
    return url


@pytest.fixture(scope="module")
def page(platform: LocalPlatform, origin: str) -> Iterator[httpx.Client]:
    """The page's host, which browsers find by its name and Python does not."""
    headers = {"Host": urlsplit(origin).netloc}
    with httpx.Client(base_url=platform.emulator.endpoint_url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        yield client


@pytest.fixture(scope="module")
def settings(page: httpx.Client) -> dict[str, str]:
    found: dict[str, str] = page.get("/settings.json").json()
    return found


@pytest.fixture(scope="module")
def api(settings: dict[str, str], platform: LocalPlatform, origin: str) -> Iterator[httpx.Client]:
    """The API, for the developer that `make local-up` names."""
    status = platform.status()
    assert status
    token = id_token(settings, origin, Developer(**status["user"]))
    headers = {"Authorization": f"Bearer {token}", "Origin": origin}
    with httpx.Client(base_url=settings["api_url"] + "/", headers=headers, timeout=TIMEOUT_SECONDS) as client:
        yield client


def test_page_comes_with_its_security_headers(page: httpx.Client) -> None:
    answer = page.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


def test_page_bucket_is_open_to_nobody_else(platform: LocalPlatform) -> None:
    bucket = platform.outputs()["page_bucket"]

    assert httpx.get(f"{platform.emulator.endpoint_url}/{bucket}/index.html").status_code == 403


def test_description_of_the_api_is_for_everybody(settings: dict[str, str]) -> None:
    assert httpx.get(f"{settings['api_url']}/openapi.json", timeout=TIMEOUT_SECONDS).json()["openapi"]


def test_browsers_may_call_the_api(settings: dict[str, str], origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,idempotency-key"

    answer = httpx.options(f"{settings['api_url']}/batches", headers=asked)

    assert answer.is_success
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"]


def test_batch_from_creation_to_deletion(
    api: httpx.Client, photos: Mapping[str, bytes], expected: Mapping[str, ScoredRecord], origin: str
) -> None:
    some = dict(list(photos.items())[:3])
    batch = upload(api, some, origin)

    wait_until_scored(api, batch)
    shown = api.get(f"batches/{batch}/photos").raise_for_status().json()["photos"]

    results = {photo["name"]: photo["results"][0]["measures"]["hit_rate"] for photo in shown}
    wanted = {name: score_of(expected[name]) for name in some}
    assert {name: result["score"] for name, result in results.items()} == pytest.approx(wanted, abs=TOLERANCE)
    assert sorted(results, key=lambda name: int(results[name]["rank"])) == sorted(some, key=lambda name: -wanted[name])
    links = [photo["photo_url"] for photo in shown]
    assert [httpx.get(link).content for link in links] == [some[photo["name"]] for photo in shown]
    assert api.request("DELETE", f"batches/{batch}").status_code == 204
    assert api.get(f"batches/{batch}").status_code == 404
    assert {httpx.get(link).status_code for link in links} == {404}


def wait_until_scored(api: httpx.Client, batch: str) -> None:
    def waiting() -> int:
        counts: dict[str, int] = api.get(f"batches/{batch}").raise_for_status().json()["counts"]
        return counts["waiting"]

    wait_until(lambda: waiting() == 0, f"{batch} is not finished")


def upload(api: httpx.Client, photos: Mapping[str, bytes], origin: str) -> str:
    """Creates a batch and uploads its photos by the links that the API gives; returns its id."""
    files = [{"name": name, "bytes": len(content), "type": "image/jpeg"} for name, content in photos.items()]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    created = api.post("batches", json={"name": "Holiday", "files": files}, headers=key).raise_for_status().json()
    for form in created["uploads"]:
        file = {"file": (form["name"], photos[form["name"]], "image/jpeg")}
        sent = httpx.post(form["url"], data=form["fields"], files=file, headers={"Origin": origin})
        assert sent.is_success, sent.text
        assert sent.headers["access-control-allow-origin"] == origin
    batch: str = created["batch"]["id"]
    return batch


def test_heatmaps_are_asked_for(
    api: httpx.Client, platform: LocalPlatform, photos: Mapping[str, bytes], origin: str
) -> None:
    name, content = next(iter(photos.items()))
    batch = upload(api, {name: content}, origin)
    wait_until_scored(api, batch)
    asked = {"photos": [name], "subjects": [{"model": "resmem"}], "methods": ["gradcam"]}

    answer = api.post(f"batches/{batch}/heatmaps", json=asked)

    assert answer.status_code == 202, answer.text
    queue = platform.outputs()["deployment"]["jobs_queue_url"]
    sqs = platform.emulator.client("sqs")
    jobs = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    assert [batch] == [json.loads(job["Body"])["batch"] for job in jobs if batch in job["Body"]]
