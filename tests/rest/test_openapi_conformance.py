"""Requests made from the OpenAPI document, by schemathesis: every answer is one that the document promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from hecate.rest.openapi import document
from tests.calling import Caller
from tests.daemon.child import Child
from tests.every_route import every_route

ALIKE = r"/(plan|generate|test|deploy|monitor|rescue)/(start|pause|resume|complete|archive)$"
"""The same five desks again, which ``design`` stands for."""
ENDLESS = "/api/facts/stream"
FAILURES_OF_PROVIDERS = {502, 503, 504}

SCHEMA = schemathesis.openapi.from_dict(document(every_route())).exclude(path=ENDLESS).exclude(path_regex=ALIKE)


@pytest.fixture(scope="module")
def client(daemon: Child) -> Iterator[httpx.Client]:
    """A client over the socket."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(daemon.socket_path)), timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def known(daemon: Child) -> dict[str, str]:
    """Return the ids of a venture and of its division, for the path's parameters."""
    caller = Caller(daemon.socket_path)
    venture_id = caller.discovering()
    division_id = caller.division(venture_id)
    for process in ("design", "plan"):
        caller.bring(f"/api/divisions/{division_id}/{process}", "active")
    caller.close()
    return {"venture_id": venture_id, "division_id": division_id}


def documented_status(_ctx: Any, response: Any, case: Any) -> None:
    """Check that the document lists the status, not only its ``default``; and that no bug is told of."""
    status: int = response.status_code
    if status == 405:
        assert case.method != case.operation.method.upper()
        return
    assert str(status) in case.operation.definition.raw["responses"], f"{status} is not in the document"
    assert status < 500 or status in FAILURES_OF_PROVIDERS
    assert "internal_error" not in response.text


CHECKS = [documented_status, content_type_conformance, response_headers_conformance, response_schema_conformance]


@SCHEMA.parametrize()
@settings(max_examples=6, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_an_answer_is_as_the_document_says(case: Any, client: httpx.Client, known: dict[str, str]) -> None:
    """Status, type and fields; half of the requests are about a division that there is."""
    if case.meta.phase.name.value != "coverage":
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    sent = case.as_transport_kwargs(base_url="http://localhost")
    body = {"content": sent["data"]} if isinstance(sent.get("data"), bytes) else {"json": sent.get("json")}
    request = httpx.Request(sent["method"], sent["url"], headers=sent["headers"], params=sent.get("params"), **body)
    case.validate_response(client.send(request), checks=CHECKS)
