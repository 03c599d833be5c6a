"""The OpenAPI 3.1 document, made from the routes: what is served is what is described."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from hecate import __version__
from hecate.endpoints import Call, NoQuery, Raw, Route

REF = "#/components/schemas/{name}"
JSON = "application/json"

_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")

COMMAND_HEADERS = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "maxLength": 255},
        "description": "The same key and body get the same answer and append nothing.",
    },
    {
        "name": "If-Match",
        "in": "header",
        "schema": {"type": "string", "pattern": '^(\\*|"?[0-9]{1,18}"?)$'},
        "description": "The version that the dossier must have, in quotes.",
    },
)


class Error(msgspec.Struct, kw_only=True):
    """What every refusal looks like."""

    ok: bool
    error: str
    """What cannot be done, to what, and why."""
    code: str


class Ok(msgspec.Struct, kw_only=True):
    """The fields that every answer has."""

    ok: bool


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of *routes*, sorted by path."""
    listed = sorted((route for route in routes if route.listed), key=lambda route: (route.path, route.method))
    structs = {kind for route in listed for kind in (route.body, route.answer, route.query) if kind} | {Error, Ok}
    ordered = sorted(structs, key=lambda kind: kind.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=REF)
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(
            route, schema_of, components
        )
    queries = {route.query.__name__ for route in listed}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hecate",
            "version": __version__,
            "summary": "One API over a Unix socket for language models and the lifecycle of applications.",
        },
        "servers": [{"url": "http://localhost", "description": "Over the Unix socket; the host name is ignored."}],
        "paths": paths,
        "components": {"schemas": {name: schema for name, schema in components.items() if name not in queries}},
        "tags": [{"name": tag} for tag in sorted({route.tag for route in listed if route.tag})],
    }


def _operation(route: Route, schema_of: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.query is not NoQuery:
        for name, schema in components[route.query.__name__]["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    if route.is_command:
        parameters += COMMAND_HEADERS
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "responses": _responses(route, schema_of),
    }
    if route.tag:
        operation["tags"] = [route.tag]
    if route.description:
        operation["description"] = route.description
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content: dict[str, Any] = {"schema": schema_of[route.body]}
        if route.example is not None:
            content["example"] = route.example
        required = not route.body_may_be_absent or bool(_required(route.body))
        operation["requestBody"] = {"required": required, "content": {JSON: content}}
    return operation


def operation_id(route: Route) -> str:
    """Return a name for *route* that no other has: ``post_divisions_design_aggregate``."""
    words = [word for word in re.split(r"[/{}_.-]+", _path(route).removeprefix("/api")) if word]
    return "_".join([route.method.lower(), *words])


def _path(route: Route) -> str:
    """Return the path as OpenAPI writes it, which knows no parameter with slashes."""
    return _PARAMETER.sub(r"{\1}", route.path)


def _responses(route: Route, schema_of: Mapping[Any, Any]) -> dict[str, Any]:
    speaks_another_api = route.refusal is not None
    answer = {} if speaks_another_api and route.answer is None else schema_of[route.answer or Ok]
    content = {kind: {"schema": answer} if kind == JSON else {} for kind in route.media_types}
    responses: dict[str, Any] = {
        str(status): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({route.status, *route.further_statuses})
    }
    errors = {*route.errors, *((400,) if route.body or route.query is not NoQuery else ())}
    if route.method != "GET":
        errors.add(413)
    if route.body is not None:
        errors.add(415)
    refusal = {JSON: {} if speaks_another_api else {"schema": schema_of[Error]}}
    for status in sorted(errors):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": refusal}
    responses["default"] = {"description": "Anything else that went wrong.", "content": refusal}
    return responses


def _required(body: Any) -> Sequence[str]:
    return [field.name for field in msgspec.structs.fields(body) if field.required]


def openapi_route(routes: Sequence[Route]) -> Route:
    """Return the route that shows the document of *routes* and of itself."""

    @cache
    def text() -> bytes:
        return msgspec.json.encode(document((*routes, route)))

    async def show_openapi(_call: Call) -> Raw:
        return Raw(text())

    route = Route(
        method="GET",
        path="/api/openapi.json",
        call=show_openapi,
        summary="Get this document.",
        answer=OpenAPIDocument,
        tag="health",
        unrestricted=True,
    )
    return route


class OpenAPIDocument(msgspec.Struct, kw_only=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
