"""The API behind its gateway: tokens that are not genuine, tenants, forms that S3 holds to their word, and times.

Figure to reach: reads of a batch of 20 scored photos at the 95th percentile under 60 ms. It is printed beside what the
emulator takes for an answer of its own, and no test fails by it: the machine may have other things to do.
"""

import base64
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from scripts.local_platform.platform import LocalPlatform
from scripts.local_platform.users import Developer, ensure_user
from tests.platform.hosted_sign_in import id_token
from tests.platform.platform_client import wait_until
from tests.unit.functions.api.test_authorisation import BODIES, ROUTES

READS = 40
TIMEOUT_SECONDS = 60
SHORT_SECONDS = 5  # AWS gives no token for less than five minutes
PHOTO = b"Remember the milk"

type Batch = Mapping[str, Any]


def signed_in(platform: LocalPlatform, tenant: str) -> str:
    """The id token of a user of a tenant."""
    outputs, user = platform.outputs(), Developer(email=f"api-{tenant}@example.org", tenant=tenant)
    ensure_user(platform.emulator.client("cognito-idp"), outputs["user_pool"]["id"], user)
    return id_token(outputs["user_pool"], outputs["deployment"]["page_url"], user)


@pytest.fixture(scope="module")
def url(platform: LocalPlatform) -> str:
    found: str = platform.outputs()["deployment"]["api_url"]
    return found


@pytest.fixture(scope="module")
def token(platform: LocalPlatform) -> str:
    return signed_in(platform, "ours")


@pytest.fixture(scope="module")
def ours(url: str, token: str) -> Iterator[httpx.Client]:
    with caller(url, token) as client:
        yield client


@pytest.fixture(scope="module")
def batch(ours: httpx.Client) -> Iterator[Batch]:
    files = [{"name": "a.jpg", "bytes": len(PHOTO), "type": "image/jpeg"}]
    made = ours.post("batches", json={"name": "Spring", "files": files})
    assert made.status_code == 201, made.text
    yield made.json()
    ours.delete(f"batches/{made.json()['batch']['id']}").raise_for_status()


@pytest.fixture
def scored(ours: httpx.Client, photos: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a batch whose photos all have a score."""
    files = [{"name": name, "bytes": len(content), "type": "image/jpeg"} for name, content in photos.items()]
    made = ours.post("batches", json={"name": "Summer", "files": files}).raise_for_status().json()
    for form in made["uploads"]:
        file = {"file": (form["name"], photos[form["name"]])}
        httpx.post(form["url"], data=form["fields"], files=file, timeout=TIMEOUT_SECONDS).raise_for_status()
    address = f"batches/{made['batch']['id']}"

    def n_scored() -> int:
        counts: dict[str, int] = ours.get(address).raise_for_status().json()["counts"]
        return counts["scored"]

    wait_until(lambda: n_scored() == len(photos), f"{address} is not scored")
    yield address
    ours.delete(address).raise_for_status()


def caller(url: str, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{url}/", headers=headers, timeout=TIMEOUT_SECONDS)


def forged(token: str) -> str:
    """The token's claims under a signature of somebody else's key that claims to be the pool's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims_of(token), key, "RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


def altered(token: str, **claims: object) -> str:
    """The token with other claims under the signature of the true ones."""
    header, content, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(content + "==")) | claims
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip('=')}.{signature}"


def unsigned(token: str) -> str:
    return jwt.encode(claims_of(token), "", "none")


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@contextmanager
def short_lived_tokens(platform: LocalPlatform) -> Iterator[None]:
    """Meanwhile tokens end soon after they were given."""
    cognito, pool = platform.emulator.client("cognito-idp"), platform.outputs()["user_pool"]
    page = {"UserPoolId": pool["id"], "ClientId": pool["client_id"]}
    before = cognito.describe_user_pool_client(**page)["UserPoolClient"]
    units = before["TokenValidityUnits"]
    cognito.update_user_pool_client(
        **page, IdTokenValidity=SHORT_SECONDS, TokenValidityUnits=units | {"IdToken": "seconds"}
    )
    try:
        yield
    finally:
        cognito.update_user_pool_client(**page, IdTokenValidity=before["IdTokenValidity"], TokenValidityUnits=units)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[2])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: None, id="none"),
        pytest.param(lambda token: "x.y.z", id="nonsense"),
        pytest.param(forged, id="forged"),
        pytest.param(lambda token: altered(token, **{"custom:tenant": "theirs"}), id="altered"),
        pytest.param(unsigned, id="unsigned"),
    ],
)
def test_a_token_that_is_not_genuine_is_refused_everywhere(
    route: tuple[str, str, str], spoil: Callable[[str], str | None], url: str, token: str, batch: Batch
) -> None:
    method, path, operation = route
    with caller(url, spoil(token)) as client:
        known, unknown = (
            client.request(method, path.replace("{batch}", one)[1:], json=BODIES.get(operation))
            for one in (batch["batch"]["id"], "0" * 32)
        )
    assert known.status_code == 401
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


def test_a_genuine_token_that_has_ended_is_refused(url: str, platform: LocalPlatform) -> None:
    with short_lived_tokens(platform):
        token = signed_in(platform, "ended")
    with caller(url, token) as client:
        assert client.get("batches").status_code == 200
        time.sleep(max(0.0, claims_of(token)["exp"] - time.time()) + 1)
        assert client.get("batches").status_code == 401


@pytest.mark.parametrize("route", [route for route in ROUTES if "{batch}" in route[1]], ids=lambda route: route[2])
def test_another_tenants_batch_is_answered_like_none(
    route: tuple[str, str, str], url: str, platform: LocalPlatform, ours: httpx.Client, batch: Batch
) -> None:
    method, path, operation = route
    known = batch["batch"]["id"]
    with caller(url, signed_in(platform, "theirs")) as theirs:
        answers = [
            theirs.request(method, path.replace("{batch}", one)[1:], json=BODIES.get(operation))
            for one in (known, "0" * 32, "..%2f..%2fours")
        ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert ours.get(f"batches/{known}").status_code == 200


@pytest.mark.parametrize(
    ("change", "content"),
    [
        ({}, PHOTO + b"more"),
        ({}, PHOTO[:-1]),
        ({}, b""),
        ({"Content-Type": "text/html"}, PHOTO),
        ({"Content-Type": "image/png"}, PHOTO),
        ({"key": "uploads/theirs/batch/a.jpg"}, PHOTO),
        ({"key": "uploads/ours/another/a.jpg"}, PHOTO),
    ],
)
def test_a_form_takes_what_was_declared_and_nothing_else(change: dict[str, str], content: bytes, batch: Batch) -> None:
    (form,) = batch["uploads"]
    answer = httpx.post(form["url"], data=form["fields"] | change, files={"file": ("a.jpg", content)})
    assert answer.status_code in {400, 403}


def test_a_form_and_a_link_work_without_a_token(ours: httpx.Client, batch: Batch) -> None:
    (form,) = batch["uploads"]
    assert httpx.post(form["url"], data=form["fields"], files={"file": ("a.jpg", PHOTO)}).status_code == 204
    for _ in range(TIMEOUT_SECONDS):
        (photo,) = ours.get(f"batches/{batch['batch']['id']}/photos").json()["photos"]
        if photo["state"] != "waiting":
            break
        time.sleep(1)
    assert (photo["state"], photo["error"]["code"]) == ("failed", "unreadable_image")
    assert httpx.get(photo["photo_url"]).content == PHOTO


def test_reads_tell_their_times(url: str, ours: httpx.Client, scored: str, capsys: pytest.CaptureFixture[str]) -> None:
    with caller(url, None) as nobody:
        floor = times(lambda: nobody.get("batches"))
    paths = ("batches", scored, f"{scored}/photos", "models", "ensembles")
    reads = {path: times(partial(read, ours, path)) for path in paths}
    with capsys.disabled():
        print(f"\nemulator alone (401): {floor}")
        for path, taken in reads.items():
            print(f"GET /{path}: {taken}; {taken.slow - floor.slow:.0f} ms over the emulator's own")


def read(client: httpx.Client, path: str) -> None:
    client.get(path).raise_for_status()


@dataclass(frozen=True)
class Times:
    """Median and 95th percentile of a call's times, in milliseconds."""

    median: float
    slow: float

    def __str__(self) -> str:
        return f"{self.median:.0f} ms (median), {self.slow:.0f} ms (95th percentile)"


def times(call: Callable[[], object]) -> Times:
    call()
    taken = []
    for _ in range(READS):
        start = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - start))
    return Times(statistics.median(taken), statistics.quantiles(taken, n=20)[-1])
