"""Batches: made once, listed, added to, and deleted whole."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.api.limits import MAX_BATCH_NAME_CHARACTERS, MAX_ENSEMBLES, MAX_FILES, MAX_PAGE
from model_store.uploads import BatchKey
from tests.http_api import with_query
from tests.unit.functions.api.conftest import MAX_BYTES, RETENTION, World, failed, files
from tests.unit.store.samples import publish, publish_ensemble


def test_a_batch_comes_with_a_form_for_each_file(world: World) -> None:
    answer = world.client.call("POST", "/batches", {"name": " Spring ", "files": files("a.jpg", "b (1).jpg")})

    assert answer.status == 201
    batch, uploads = answer.json["batch"], answer.json["uploads"]
    assert [upload["name"] for upload in uploads] == ["a.jpg", "b (1).jpg"]
    assert uploads[1]["fields"] == {
        "key": f"uploads/acme/{batch['id']}/b (1).jpg",
        "Content-Type": "image/jpeg",
        "bytes": "1000",
    }
    assert batch["name"] == "Spring"
    assert batch["declared"] == 2
    lifetime = datetime.fromisoformat(batch["expires_at"]) - datetime.fromisoformat(batch["created_at"])
    assert lifetime == RETENTION


def test_ids_have_128_random_bits(world: World) -> None:
    ids = {world.batch("a.jpg") for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}", batch) for batch in ids)


@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "..",
        ".",
        "a/b.jpg",
        "a\\b.jpg",
        "/etc/passwd",
        "a\x00.jpg",
        "a\n.jpg",
        "a\x7f.jpg",
        "\u202egpj.exe",
        "a\u2028.jpg",
        "a\ufffe.jpg",
        "${filename}",
        "",
        "a" * 256,
        "é" * 128,
        "\ud800.jpg",
    ],
)
def test_names_that_could_mean_another_place_are_refused_with_the_reason(name: str, world: World) -> None:
    answer = world.client.call("POST", "/batches", {"name": "Spring", "files": files("good.jpg", name)})
    assert answer.status == 422
    assert answer.kind == "invalid-request"
    (fault,) = answer.json["errors"]
    assert fault["place"] == "body/files/1/name"
    assert len(fault["detail"]) > 15
    assert not world.table.items


@pytest.mark.parametrize(
    "name", ["写真 1+1 — лето.jpg", "a#ENSEMBLE#b.jpg", "-a.jpg", "👨‍👩‍👧.heic", "a" * 255, "é" * 127, "…"]
)
def test_other_names_are_taken_as_they_are(name: str, world: World) -> None:
    batch = world.batch(name)
    world.keep(batch, name, failed(name))
    (photo,) = world.client.call("GET", f"/batches/{batch}/photos").json["photos"]
    assert (photo["name"], photo["state"]) == (name, "failed")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": ""}, "body/name"),
        ({"name": "   "}, "body/name"),
        ({"name": "x" * (MAX_BATCH_NAME_CHARACTERS + 1)}, "body/name"),
        ({"name": "a\tb"}, "body/name"),
        ({"name": 3}, "body/name"),
        ({"files": []}, "body/files"),
        ({"files": files(*map(str, range(MAX_FILES + 1)))}, "body/files"),
        ({"files": files("a.jpg", "a.jpg")}, "body/files"),
        ({"files": [{"name": "a", "bytes": 0, "type": "image/png"}]}, "body/files/0/bytes"),
        ({"files": [{"name": "a", "bytes": "12", "type": "image/png"}]}, "body/files/0/bytes"),
        ({"files": [{"name": "a", "bytes": MAX_BYTES + 1, "type": "image/png"}]}, "body/files/0/bytes"),
        ({"files": [{"name": "a", "bytes": 1, "type": "image/svg+xml"}]}, "body/files/0/type"),
        ({"files": [{"name": "a", "bytes": 1, "type": "text/html"}]}, "body/files/0/type"),
        ({"files": [{"name": "a", "bytes": 1, "type": "image/png", "key": "b"}]}, "body/files/0/key"),
        ({"ensembles": ["unheard-of"]}, "body/ensembles/0"),
        ({"ensembles": ["../../etc"]}, "body/ensembles/0"),
        ({"ensembles": ["live", "live"]}, "body/ensembles"),
        ({"ensembles": ["live", "default@1"]}, "body/ensembles/1"),
        ({"ensembles": [f"e{number}" for number in range(MAX_ENSEMBLES + 1)]}, "body/ensembles"),
        ({"preview_heatmaps": "yes"}, "body/preview_heatmaps"),
        ({"tenant": "globex"}, "body/tenant"),
    ],
)
def test_what_is_over_a_limit_is_refused(change: dict[str, Any], place: str, world: World) -> None:
    answer = world.client.call("POST", "/batches", {"name": "Spring", "files": files("a.jpg")} | change)
    assert answer.status == 422
    assert [fault["place"] for fault in answer.json["errors"]] == [place]
    assert not world.table.items


def test_what_is_at_a_limit_is_taken(world: World) -> None:
    others = [f"other-{number}" for number in range(MAX_ENSEMBLES - 1)]
    for name in others:
        publish_ensemble(world.store, "resmem@1.0", name=name)
    largest = {"name": "a", "bytes": MAX_BYTES, "type": "image/heic"}
    names = [f"{number}.jpg" for number in range(MAX_FILES - 1)]
    body = {
        "name": "x" * MAX_BATCH_NAME_CHARACTERS,
        "files": [largest, *files(*names)],
        "ensembles": ["live", *others],
    }
    assert world.client.call("POST", "/batches", body).status == 201


def test_two_versions_of_an_ensemble_are_refused_with_the_reason(world: World) -> None:
    publish(world.store, "1.1")
    publish_ensemble(world.store, "resmem@1.1")
    body = {"name": "Spring", "files": files("a.jpg"), "ensembles": ["default@1", "default"]}
    answer = world.client.call("POST", "/batches", body)
    assert answer.status == 422
    assert [fault["detail"] for fault in answer.json["errors"]] == [
        "default@1 is the ensemble default, too; a batch gets one version of it"
    ]


def test_the_same_request_with_the_same_key_makes_one_batch(world: World) -> None:
    body = {"name": "Spring", "files": files("a.jpg"), "ensembles": ["live"]}
    first = world.client.call("POST", "/batches", body, idempotency_key="k-1")
    second = world.client.call("POST", "/batches", body, idempotency_key="k-1")
    assert (second.status, second.json) == (201, first.json)
    assert len(world.client.call("GET", "/batches").json["batches"]) == 1


def test_another_request_with_the_same_key_is_refused(world: World) -> None:
    world.client.call("POST", "/batches", {"name": "Spring", "files": files("a.jpg")}, idempotency_key="k-1")
    answer = world.client.call("POST", "/batches", {"name": "Autumn", "files": files("a.jpg")}, idempotency_key="k-1")
    assert (answer.status, answer.kind) == (422, "idempotency-key-reused")


def test_a_key_is_the_tenants_own_and_lives_for_a_day(world: World) -> None:
    body = {"name": "Spring", "files": files("a.jpg")}
    ids = {world.client.call("POST", "/batches", body, idempotency_key="k").json["batch"]["id"]}
    other = world.client.of_tenant("globex").call("POST", "/batches", body, idempotency_key="k")
    ids.add(other.json["batch"]["id"])
    world.clock.advance(hours=24)
    ids.add(world.client.call("POST", "/batches", body, idempotency_key="k").json["batch"]["id"])
    assert len(ids) == 3


def test_a_key_whose_batch_was_deleted_makes_no_other(world: World) -> None:
    body = {"name": "Spring", "files": files("a.jpg")}
    batch = world.client.call("POST", "/batches", body, idempotency_key="k").json["batch"]["id"]
    world.client.call("DELETE", f"/batches/{batch}")
    assert world.client.call("POST", "/batches", body, idempotency_key="k").kind == "conflict"


def test_a_key_whose_batch_is_being_made_is_not_called_gone(world: World) -> None:
    body = {"name": "Spring", "files": files("a.jpg")}
    world.table.is_busy = True
    answer = world.client.call("POST", "/batches", body, idempotency_key="k")
    assert (answer.status, answer.kind) == (409, "concurrent-request")
    assert "send the request again" in answer.json["detail"]
    world.table.is_busy = False
    assert world.client.call("POST", "/batches", body, idempotency_key="k").status == 201


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 129])
def test_a_key_that_is_none_is_refused(key: str, world: World) -> None:
    answer = world.client.call("POST", "/batches", {"name": "Spring", "files": files("a.jpg")}, idempotency_key=key)
    assert [fault["place"] for fault in answer.json["errors"]] == ["header/idempotency-key"]


def test_batches_are_listed_newest_first_in_pages(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(world.batch("a.jpg"))
        world.clock.advance(minutes=1)
    seen, cursor = [], None
    for _ in range(3):
        page = world.client.call("GET", with_query("/batches", limit=2, cursor=cursor)).json
        seen += [batch["id"] for batch in page["batches"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    assert cursor is None
    assert world.client.of_tenant("globex").call("GET", "/batches").json == {"batches": [], "next_cursor": None}


@pytest.mark.parametrize("limit", ["0", "-1", str(MAX_PAGE + 1), "many", ""])
def test_a_page_of_a_size_that_cannot_be_is_refused(limit: str, world: World) -> None:
    assert world.client.call("GET", f"/batches?limit={limit}").kind == "invalid-request"


def test_a_batch_says_how_far_it_is(world: World) -> None:
    batch = world.batch("a.jpg", "b.jpg", "c.jpg")
    world.score(batch, "a.jpg", 0.8)
    world.score(batch, "a.jpg", 0.8, ensemble="other@1")
    world.keep(batch, "b.jpg", failed("b.jpg"))
    world.score(batch, "undeclared.jpg", 0.7)

    reads = world.table.reads
    answer = world.client.call("GET", f"/batches/{batch}")

    assert answer.json["counts"] == {"declared": 4, "scored": 2, "failed": 1, "waiting": 1}
    assert world.table.reads - reads == 1


def test_more_files_are_declared_and_lost_forms_signed_again(world: World) -> None:
    batch = world.batch("a.jpg")
    more = [{"name": "a.jpg", "bytes": 2000, "type": "image/png"}, *files("b.jpg")]
    answer = world.client.call("POST", f"/batches/{batch}/uploads", {"files": more})

    assert answer.status == 201
    assert [(upload["name"], upload["fields"]["bytes"]) for upload in answer.json["uploads"]] == [
        ("a.jpg", "2000"),
        ("b.jpg", "1000"),
    ]
    assert world.client.call("GET", f"/batches/{batch}").json["counts"]["waiting"] == 2


def test_a_batch_holds_only_so_many_files_however_they_come(world: World) -> None:
    batch = world.batch(*(f"{number}.jpg" for number in range(MAX_FILES)))
    again = world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("0.jpg")})
    more = world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("more.jpg")})
    assert (again.status, more.status) == (201, 422)
    assert "at most 200 files" in more.json["detail"]


def test_two_who_add_files_at_the_same_time_lose_none(world: World) -> None:
    batch = world.batch("a.jpg")

    def meanwhile() -> None:
        world.table.before_replace = lambda: None
        world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("theirs.jpg")})

    world.table.before_replace = meanwhile
    world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("ours.jpg")})
    names = [photo["name"] for photo in world.client.call("GET", f"/batches/{batch}/photos").json["photos"]]
    assert names == ["a.jpg", "ours.jpg", "theirs.jpg"]


def test_a_batch_that_others_keep_changing_is_changed_later(world: World) -> None:
    batch = world.batch("a.jpg")

    def meanwhile() -> None:
        for item in world.table.items.values():
            item["revision"] += 1

    world.table.before_replace = meanwhile
    more = world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("b.jpg")})
    deleted = world.client.call("DELETE", f"/batches/{batch}")
    assert [(answer.status, answer.kind) for answer in (more, deleted)] == [(409, "concurrent-request")] * 2
    world.table.before_replace = lambda: None
    assert world.client.call("POST", f"/batches/{batch}/uploads", {"files": files("b.jpg")}).status == 201
    assert world.client.call("DELETE", f"/batches/{batch}").status == 204


def test_a_deleted_batch_is_gone_with_all_it_held(world: World) -> None:
    batch, other = world.batch("a.jpg"), world.batch("b.jpg")
    world.score(batch, "a.jpg", 0.8)

    assert world.client.call("DELETE", f"/batches/{batch}").status == 204

    assert world.objects.removed == [BatchKey("acme", batch)]
    for path in (f"/batches/{batch}", f"/batches/{batch}/photos", f"/batches/{batch}/export.csv"):
        assert world.client.call("GET", path).status == 404
    assert [listed["id"] for listed in world.client.call("GET", "/batches").json["batches"]] == [other]
    left = [item for (pk, _), item in world.table.items.items() if batch in pk]
    assert [sorted(item) for item in left] == [["deleted_at", "expires_at", "pk", "revision", "sk"]]


def test_a_deletion_that_was_interrupted_goes_on_when_it_is_repeated(world: World) -> None:
    batch = world.batch("a.jpg")
    world.score(batch, "a.jpg", 0.8)
    world.objects.failures = 1

    assert world.client.call("DELETE", f"/batches/{batch}").status == 500
    assert world.client.call("GET", f"/batches/{batch}").status == 404
    assert world.client.call("DELETE", f"/batches/{batch}").status == 204
    assert world.client.call("DELETE", f"/batches/{batch}").status == 204

    assert len(world.objects.removed) == 2
    assert len([pk for pk, _ in world.table.items if batch in pk]) == 1


def test_an_expired_batch_is_gone_before_the_table_forgets_it(world: World) -> None:
    batch = world.batch("a.jpg")
    world.clock.now += RETENTION + timedelta(seconds=1)
    assert world.client.call("GET", f"/batches/{batch}").status == 404
    assert world.client.call("GET", "/batches").json["batches"] == []
