"""Requests made from the OpenAPI document, by schemathesis: every answer is one that the document promises."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import (
    CoveragePhaseConfig,
    ExamplesPhaseConfig,
    FuzzingPhaseConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.result import Ok
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from hecate.rest.openapi import document
from tests.calling import Caller
from tests.every_route import every_route
from tests.fakes.ollama import ollama
from tests.faults.sizes import LONG, size
from tests.serving import serving

ENDLESS = "/api/facts/stream"
FAILURES_OF_PROVIDERS = {502, 503, 504}
SECONDS_UNTIL_IT_HANGS = 20.0
A_FEW = r"^/api/(ventures|divisions/{division_id}/(plan/desk|monitor/check)|llm/chat|events)$"
"""What the short form asks at random: to make requests up takes schemathesis a second for each operation."""


def schema(*, boundaries: bool) -> BaseSchema:
    """Return the document, for requests at the boundaries of each field, or for random ones."""
    phases = PhasesConfig(
        coverage=CoveragePhaseConfig(enabled=boundaries),
        examples=ExamplesPhaseConfig(enabled=not boundaries),
        fuzzing=FuzzingPhaseConfig(enabled=not boundaries),
    )
    config = SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(phases=phases)))
    return schemathesis.openapi.from_dict(DOCUMENT, config=config).exclude(path=ENDLESS)


DOCUMENT = document(every_route())
EVERY_OPERATION = schema(boundaries=False)
RANDOM = size(EVERY_OPERATION.include(path_regex=A_FEW), EVERY_OPERATION)
BOUNDARIES = size(schema(boundaries=True).include(path_regex=A_FEW), schema(boundaries=True))


class Asked:
    """A daemon on its socket and on a port, and a venture with a division in it."""

    def __init__(self, socket: Path, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.by_socket = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), timeout=SECONDS_UNTIL_IT_HANGS)
        self.by_port = httpx.Client(headers=headers, timeout=SECONDS_UNTIL_IT_HANGS)
        self.url = url
        self._caller = Caller(socket)
        self.known = self._begin()

    def _begin(self) -> dict[str, str]:
        """Return the ids of a new venture and its division."""
        caller = self._caller
        venture_id = caller.discovering()
        division_id = caller.division(venture_id)
        for process in ("design", "plan"):
            caller.bring(f"/api/divisions/{division_id}/{process}", "active")
        return {"venture_id": venture_id, "division_id": division_id}

    def validate(self, case: Any, *, through_the_port: bool = False) -> None:
        """Send the request and check the answer; what is random is about things that there are, half of the time."""
        if case.meta is not None and case.meta.phase.name.value != "coverage":
            case.path_parameters = {
                name: self.known.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        base = self.url if through_the_port else "http://localhost"
        sent = case.as_transport_kwargs(base_url=base)
        body = {"content": sent["data"]} if isinstance(sent.get("data"), bytes) else {"json": sent.get("json")}
        request = httpx.Request(sent["method"], sent["url"], headers=sent["headers"], params=sent.get("params"), **body)
        client = self.by_port if through_the_port else self.by_socket
        if through_the_port:
            request.headers["Authorization"] = client.headers["Authorization"]
        response = client.send(request)
        case.validate_response(response, checks=CHECKS)
        if request.url.path.endswith("/forget") and response.status_code == 200:
            # All that follows is about something that takes commands.
            self.known = self._begin()

    def close(self) -> None:
        """Hang up."""
        self._caller.close()
        self.by_socket.close()
        self.by_port.close()


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    """Serve with one provider, on both."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, ollama() as provider:
        listen = '[http]\nlisten = "127.0.0.1:0"\n'
        with serving(Path(folder), provider.url, configuration=listen) as child:
            line = json.loads(child.wait_for_line('"ready"'))
            asked = Asked(child.socket_path, line["http"], Path(line["token_file"]).read_text().strip())
            yield asked
            asked.close()


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
FEW = settings(max_examples=size(6, 30), derandomize=not LONG, database=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("body", [None, [1]], ids=["as in the example", "wrong"])
def test_each_operation_once(asked: Asked, body: Any) -> None:
    """Every one of them, with the body that the document shows, and with one that no command takes."""
    for found in EVERY_OPERATION.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        content = operation.definition.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
        example: Any = content.get("example") or next(
            (one["value"] for one in content.get("examples", {}).values()), {}
        )
        parameters = {one.name: asked.known.get(one.name, "nobody") for one in operation.path_parameters}
        case = operation.Case(
            path_parameters=parameters,
            **({"body": body or example, "media_type": "application/json"} if content else {}),
        )
        asked.validate(case)


@pytest.mark.timeout(size(60, 1800))
@RANDOM.parametrize()
@FEW
def test_an_answer_is_as_the_document_says(case: Any, asked: Asked) -> None:
    """Status, type and fields, whatever is asked."""
    asked.validate(case)


@pytest.mark.timeout(size(60, 1800))
@BOUNDARIES.parametrize()
@FEW
def test_so_is_it_at_the_boundaries(case: Any, asked: Asked) -> None:
    """Of each field: missing, of another type, the longest and one more."""
    asked.validate(case)


@pytest.mark.timeout(size(60, 1800))
@RANDOM.parametrize()
@FEW
def test_so_is_it_through_the_port(case: Any, asked: Asked) -> None:
    """The listener on a loopback port serves the same API."""
    asked.validate(case, through_the_port=True)
