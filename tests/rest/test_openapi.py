"""The OpenAPI document: what is served is what is described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import schemathesis

from hecate import __version__
from hecate.rest.body import decode_body
from hecate.rest.openapi import document, operation_id
from tests.calling import Caller
from tests.every_route import every_route
from tests.rest.asgi import route, say_hello

ROUTES = every_route()
DOCUMENT = json.loads(msgspec.json.encode(document(ROUTES)))
OPERATIONS = {
    (method.upper(), path): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def within(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object in *value*, itself included."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner)


def test_it_is_served(caller: Caller) -> None:
    """To the letter, as what it is."""
    reply = caller.get("/api/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == DOCUMENT
    assert (reply.json["openapi"], reply.json["info"]["version"]) == ("3.1.0", __version__)


def test_it_is_valid() -> None:
    """As OpenAPI 3.1 and, in each of its schemas, as JSON Schema 2020-12."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_it_describes_every_route_that_is_listed() -> None:
    """And no other: the paths of older clients stay between them and us."""
    listed = {(route.method, route.path.replace(":path}", "}")) for route in ROUTES if route.listed}
    assert set(OPERATIONS) == listed
    assert ("POST", "/api/ventures/setup") not in OPERATIONS


def test_every_reference_leads_somewhere() -> None:
    """Nothing is referred to that is not there, and nothing is there that nobody refers to."""
    referred = {found["$ref"].rpartition("/")[2] for found in within(DOCUMENT) if isinstance(found.get("$ref"), str)}
    mapped = {
        reference.rpartition("/")[2]
        for found in within(DOCUMENT)
        if isinstance(found.get("discriminator"), dict)
        for reference in found["discriminator"].get("mapping", {}).values()
    }
    schemas = set(DOCUMENT["components"]["schemas"])
    assert referred | mapped <= schemas
    # For a route that describes no answer of its own; there may be none.
    assert schemas - referred - mapped <= {"Ok"}


def test_every_operation_has_a_name_of_its_own() -> None:
    """Code is generated from it."""
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert operation_id(route(say_hello, "POST", "/api/divisions/{id}/design/aggregate")) == (
        "post_divisions_id_design_aggregate"
    )


def test_every_operation_is_told_in_a_sentence() -> None:
    """Under a heading that the document lists."""
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for where, operation in OPERATIONS.items():
        assert operation["summary"], where
        assert set(operation["tags"]) <= tags, where


def test_every_parameter_of_a_path_is_described() -> None:
    """And none that is not in the path."""
    for (_, path), operation in OPERATIONS.items():
        described = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        assert described == [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def test_every_command_has_an_example_that_is_taken() -> None:
    """It decodes, and its fields are fields."""
    commands = [one for one in ROUTES if one.is_command]
    assert len(commands) > 40
    for command in commands:
        assert command.example is not None
        _, warnings = decode_body(command.body, msgspec.json.encode(command.example), may_be_absent=False)
        assert warnings == []


def test_every_command_says_how_it_may_be_refused() -> None:
    """Unknown subject, wrong state, moved version, reused key; and takes the headers that are for that."""
    for route_ in ROUTES:
        if route_.is_command and route_.listed:
            operation = OPERATIONS[route_.method, route_.path]
            assert {"400", "404", "409", "410", "412", "413", "415", "422"} <= set(operation["responses"])
            headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
            assert headers == {"Idempotency-Key", "If-Match"}


def test_a_body_is_required_where_a_field_is() -> None:
    """A command without required fields needs none."""
    aggregate = OPERATIONS["POST", "/api/divisions/{division_id}/design/aggregate"]
    assert aggregate["requestBody"]["required"] is True
    assert OPERATIONS["POST", "/api/divisions/{division_id}/design/start"]["requestBody"]["required"] is False


def test_every_other_form_of_an_answer_is_named() -> None:
    """The events have four."""
    content = OPERATIONS["GET", "/api/events"]["responses"]["200"]["content"]
    assert set(content) == {
        "application/json",
        "application/x-ndjson",
        "application/cloudevents-batch+json",
        "text/event-stream",
    }
