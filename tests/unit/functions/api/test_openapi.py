"""The OpenAPI document: it is the one in the repository, it is sound, and it says what is so."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions.api import limits
from functions.api.app import resolver
from functions.api.openapi import document, document_text
from tests.unit.functions.api.conftest import World

FILE = Path(__file__).parents[4] / "docs" / "schema" / "openapi.json"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return document(resolver())


def operations(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for routes in spec["paths"].values():
        yield from routes.values()


def test_the_file_is_the_document(spec: dict[str, Any]) -> None:
    assert FILE.read_text(encoding="utf-8") == document_text(spec), (
        f"the API has changed: run `python -m functions.api.openapi > {FILE.relative_to(FILE.parents[2])}`"
    )


def test_it_is_served_without_a_token(spec: dict[str, Any], world: World) -> None:
    answer = type(world.client)(world.client.handle, None).call("GET", "/openapi.json")
    assert (answer.status, answer.json) == (200, json.loads(document_text(spec)))


def test_every_route_but_the_documents_needs_a_token(spec: dict[str, Any]) -> None:
    assert spec["security"] == [{"token": []}]
    open_to_all = [operation["operationId"] for operation in operations(spec) if "security" in operation]
    assert open_to_all == ["readDocument"]
    for operation in operations(spec):
        if "security" not in operation:
            assert {"401", "403", "500"} <= set(operation["responses"])


def test_every_error_is_a_problem_document(spec: dict[str, Any]) -> None:
    for operation in operations(spec):
        for status, answer in operation["responses"].items():
            if status >= "400":
                schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
                assert answer["content"] == {"application/problem+json": schema}, operation["operationId"]


def test_every_schema_is_sound_and_used(spec: dict[str, Any]) -> None:
    assert spec["openapi"] == "3.1.0"
    text = json.dumps(spec)
    for name, schema in spec["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text


def test_it_states_the_limits(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    batch = schemas["NewBatch"]["properties"]
    assert batch["files"]["maxItems"] == limits.MAX_FILES
    assert batch["name"]["maxLength"] == limits.MAX_BATCH_NAME_CHARACTERS
    assert batch["ensembles"]["maxItems"] == limits.MAX_ENSEMBLES
    assert schemas["FileDeclaration"]["properties"]["name"]["maxLength"] == limits.MAX_FILE_NAME_BYTES
    assert schemas["HeatmapsRequest"]["properties"]["photos"]["maxItems"] == limits.MAX_HEATMAP_PHOTOS
    assert schemas["HeatmapsRequest"]["properties"]["subjects"]["maxItems"] == limits.MAX_HEATMAP_SUBJECTS
    parameters = {
        parameter["name"]: parameter["schema"] for parameter in spec["paths"]["/batches"]["get"]["parameters"]
    }
    assert parameters["limit"]["maximum"] == limits.MAX_PAGE
