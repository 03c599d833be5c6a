"""The console's listener: who comes in, and as whom, on a real daemon."""

from __future__ import annotations

import http.client
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.daemon.child import Child, wait_until
from tests.serving import serving

TOKEN = "0123456789abcdef"


class Answered(NamedTuple):
    """An answer, with its body as JSON where it is."""

    status: int
    headers: http.client.HTTPMessage
    content: Any


@pytest.fixture(scope="module")
def daemon() -> Iterator[Child]:
    """``hecate serve``, with a port for programs beside its socket."""
    configuration = f'[http]\nlisten = "127.0.0.1:0"\ntoken = "{TOKEN}"\n'
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(Path(folder), configuration=configuration) as child,
    ):
        yield child


def link(daemon: Child) -> tuple[str, str]:
    """Return the console's address, without scheme, and a new ticket."""
    url = urlsplit(daemon.request("/api/console/open", b"")["url"])
    assert not url.query
    return url.netloc, url.fragment.removeprefix("ticket=")


def ask(netloc: str, method: str, path: str, body: object = None, **headers: str) -> Answered:
    """Send one request to the console."""
    with closing(http.client.HTTPConnection(netloc, timeout=20)) as connection:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            method, path, None if body is None else json.dumps(body), {"content-type": "application/json", **sent}
        )
        answer = connection.getresponse()
        content = answer.read()
        is_json = answer.headers.get_content_type() == "application/json"
        return Answered(answer.status, answer.headers, json.loads(content) if is_json else content)


def session(daemon: Child) -> tuple[str, str]:
    """Return the console's address, and what a page of its own sends."""
    host, ticket = link(daemon)
    return host, f"Bearer {ask(host, 'POST', '/session', {'ticket': ticket}).content['session']}"


def test_a_link_opens_the_page(daemon: Child) -> None:
    """The page is there for the browser, and its session for the page, which then has the whole API."""
    host, ticket = link(daemon)
    assert host.startswith("127.0.0.1:")
    page = ask(host, "GET", "/")
    assert page.status == 200
    assert b"console.js" in page.content
    key = ask(host, "POST", "/session", {"ticket": ticket}).content["session"]
    assert ask(host, "GET", "/api/health", authorization=f"Bearer {key}").content["ok"]


def test_a_link_works_once(daemon: Child) -> None:
    """Whoever finds it in a history is told where to get another."""
    host, ticket = link(daemon)
    assert ask(host, "POST", "/session", {"ticket": ticket}).status == 200
    again = ask(host, "POST", "/session", {"ticket": ticket})
    assert again.status == 401
    assert "hecate console" in again.content["error"]


def test_the_address_stays(daemon: Child) -> None:
    """A second link is for the same port: pages that are open go on."""
    assert link(daemon)[0] == link(daemon)[0]


def test_the_session_acts_for_who_has_asked(daemon: Child) -> None:
    """The events name the user; the process is the browser, of which the kernel has said nothing."""
    host, key = session(daemon)
    made = ask(host, "POST", "/api/ventures", {"name": "seen"}, authorization=key)
    assert made.status == 201
    events = ask(host, "GET", f"/api/ventures/{made.content['id']}/events", authorization=key).content["events"]
    assert events[0]["meta"]["actor"] == {"uid": os.getuid(), "pid": 0}


@pytest.mark.parametrize(
    "wrong", [{}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}, {"authorization": f"Bearer {TOKEN}"}]
)
def test_without_a_session_there_is_no_api(daemon: Child, wrong: dict[str, str]) -> None:
    """The other listener's token is none."""
    host, _ = link(daemon)
    assert ask(host, "GET", "/api/health", **wrong).status == 401


@pytest.mark.parametrize(
    "foreign",
    [
        {"host": "console.example"},
        {"host": "console.example:80"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/health"])
def test_no_other_page_comes_near(daemon: Child, path: str, foreign: dict[str, str]) -> None:
    """Not even with the session: neither another site's nor one behind a name that was pointed here."""
    host, key = session(daemon)
    assert ask(host, "GET", path, authorization=key, **foreign).status == 403


def test_every_answer_says_what_a_browser_may_do_with_it(daemon: Child) -> None:
    """The page's files may be a page; the API's answers nothing, should they ever be shown as one."""
    host, key = session(daemon)
    page = ask(host, "GET", "/").headers
    assert page.get_all("content-security-policy")
    assert "script-src 'self'" in page["content-security-policy"]
    assert len(page.get_all("content-security-policy") or ()) == 1
    assert (
        ask(host, "GET", "/api/health", authorization=key)
        .headers["content-security-policy"]
        .startswith("default-src 'none'; frame-ancestors")
    )
    for answer in (page, ask(host, "GET", "/nothing").headers):
        assert answer["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("body", [None, "a word", {"ticket": 7}, {"other": "thing"}, {"ticket": "x" * 5000}])
def test_a_wrong_ticket_is_refused(daemon: Child, body: object) -> None:
    """Whatever it is."""
    host, _ = link(daemon)
    assert ask(host, "POST", "/session", body).status in {400, 401}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/"), ("GET", "/session"), ("DELETE", "/x")]
)
def test_there_is_nothing_else(daemon: Child, method: str, path: str) -> None:
    """The page's files, the exchange and the API."""
    host, _ = link(daemon)
    assert ask(host, method, path).status == 404


def test_only_the_socket_gives_links(daemon: Child) -> None:
    """Of who calls over TCP nobody knows for whom the page would act."""
    port = json.loads(daemon.wait_for_line('"ready"'))["http"].removeprefix("http://")
    refused = ask(port, "POST", "/api/console/open", authorization=f"Bearer {TOKEN}")
    assert (refused.status, refused.content["code"]) == (403, "forbidden")


def test_what_the_page_does_is_audited(daemon: Child) -> None:
    """As what came over the socket is, with the way it came."""
    host, key = session(daemon)
    ask(host, "POST", "/api/ventures", {"name": "audited"}, authorization=key)
    log = daemon.socket_path.parent / "data/audit.log"

    def ways() -> set[tuple[str, str]]:
        return {(line["path"], line["via"]) for line in map(json.loads, log.read_text().splitlines())}

    wait_until(lambda: log.exists() and ("/api/ventures", "console") in ways())


def test_a_stop_ends_open_pages() -> None:
    """A page that follows the events does not hold up the daemon's end."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, serving(Path(folder)) as child:
        host, key = session(child)
        with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
            connection.request("GET", "/api/events", None, {"authorization": key, "accept": "text/event-stream"})
            feed = connection.getresponse()
            assert feed.status == 200
            child.signal(15)
            feed.read()
        assert child.end() == 0
