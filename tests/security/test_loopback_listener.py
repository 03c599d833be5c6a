"""The listener on a loopback port, as an attacker sees it; tests/daemon/test_http_listener.py has its daily life."""

from __future__ import annotations

import ast
import http.client
import inspect
import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from hecate.daemon import admission
from tests.every_route import every_route
from tests.serving import serving

TOKEN = "0123456789abcdef0123456789abcdef"


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a daemon listens."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        configuration = f'[http]\nlisten = "127.0.0.1:0"\ntoken = "{TOKEN}"\n'
        with serving(Path(folder), configuration=configuration) as child:
            url: str = json.loads(child.wait_for_line('"ready"'))["http"]
            yield int(url.rpartition(":")[2])


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
    """Send a request with the token."""
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Answered(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def test_the_token_is_compared_in_constant_time() -> None:
    """Nowhere by ``==``; and every key that was sent is compared, whichever of them fits."""
    tree = ast.parse(inspect.getsource(admission))
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and "expected" in ast.unparse(node)]
    called = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and "compare_digest" in ast.unparse(node.func)
    ]
    assert (len(compared), len(called)) == (0, 1)
    (all_of_them,) = [node for node in ast.walk(tree) if isinstance(node, ast.ListComp) and called[0] in ast.walk(node)]
    assert not all_of_them.generators[0].ifs


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "same-site"}],
    ids=["admitted", "wrong token", "origin", "same site"],
)
def test_no_answer_is_of_use_to_a_page(port: int, headers: dict[str, str]) -> None:
    """No cookie, no CORS, nothing to run, nothing to guess the type of: admitted or not."""
    for path in ("/api/health", "/nowhere", "/v1/models", "/api/openapi.json", "/metrics"):
        answered = ask(port, "GET", path, None, **headers)
        assert answered.headers["content-security-policy"].startswith("default-src 'none'")
        assert answered.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answered.headers
        assert not [name for name in answered.headers if name.startswith("access-control-")]
        assert not answered.headers["content-type"].startswith("text/html")


def test_there_is_no_page() -> None:
    """No route answers with HTML, in which something that somebody wrote could run."""
    assert [route.path for route in every_route() if any("html" in kind for kind in route.media_types)] == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost.evil:{port}", "localhost", ""],
)
def test_a_name_that_leads_here_is_not_enough(port: int, host: str) -> None:
    """DNS rebinding: the page's own name is pointed at 127.0.0.1, and stands in ``Host``."""
    answered = ask(port, "GET", "/api/health", Host=host.replace("{port}", str(port)))
    assert answered.status == 403


@pytest.mark.parametrize("origin", ["null", "http://localhost:1", "https://127.0.0.1:{port}", "http://evil.example"])
def test_only_its_own_origin_is_taken(port: int, origin: str) -> None:
    """Another port or scheme is another origin, and so is a file or a sandboxed frame."""
    assert ask(port, "GET", "/api/health", Origin=origin.replace("{port}", str(port))).status == 403
    assert ask(port, "GET", "/api/health", Origin=f"http://localhost:{port}").status == 200


def test_a_preflight_is_refused(port: int) -> None:
    """So a browser sends nothing that a page could not send anyway."""
    answered = ask(
        port, "OPTIONS", "/api/ventures", Origin="https://evil.example", Access_Control_Request_Method="POST"
    )
    assert answered.status == 403
    assert not [name for name in answered.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_is_no_command(port: int, kind: str) -> None:
    """Of all that a form can send, nothing is taken."""
    answered = ask(port, "POST", "/api/ventures", b'{"name": "from a form"}', Content_Type=kind)
    assert answered.status == 415
