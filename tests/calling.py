"""Calls of the daemon, as any client makes them, and the short ways to the states that tests begin in."""

from __future__ import annotations

import http.client
import json
import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.daemon.child import UnixConnection

STEPS_TO = {
    "pending": (),
    "active": ("start",),
    "paused": ("start", "pause"),
    "completed": ("start", "complete"),
    "archived": ("start", "archive"),
}
"""The commands that bring a long process into each of its states."""


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal, which has the shape of every refusal."""
        content = self.json
        assert content["ok"] is False
        assert isinstance(content["error"], str), content
        assert content["error"]
        assert "Traceback" not in content["error"]
        assert "result" not in content
        code: str = content["code"]
        return code


class Feed:
    """A stream of server-sent events that is being read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = _lower(response)

    def block(self) -> list[bytes]:
        """Wait for the next event or comment, and return its lines; empty at the end of the stream."""
        lines: list[bytes] = []
        while line := self._response.readline():
            if line == b"\n":
                return lines
            lines.append(line.removesuffix(b"\n"))
        assert lines == [], "the stream broke off"
        return []

    def event(self) -> tuple[int, Any]:
        """Wait for the next event, passing over comments, and return its id and its data."""
        while lines := self.block():
            if lines[0].startswith(b"id: "):
                number, data = lines
                assert data.startswith(b"data: ")
                return int(number.removeprefix(b"id: ")), json.loads(data.removeprefix(b"data: "))
        raise AssertionError("the stream ended")


class Caller:
    """One client of the daemon at *socket_path*, on a connection that it keeps open."""

    def __init__(self, socket_path: Path) -> None:
        self.socket_path = socket_path
        self._connection = UnixConnection(socket_path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request; *body* is sent as JSON unless it is bytes, None for none."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if self._connection.sock is not None and select.select((self._connection.sock,), (), (), 0)[0]:
            # What can be read before anything is asked is the end: the daemon closes what idles.
            self._connection.close()
        try:
            self._connection.request(method, path, data, dict(headers or {}))
            # Closed also where it breaks off: it keeps the socket open.
            with self._connection.getresponse() as response:
                return Reply(response.status, _lower(response), response.read())
        except (http.client.HTTPException, OSError):
            self._connection.close()
            raise

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET; a header's name is written with underscores."""
        return self.ask("GET", path, None, _dashed(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a POST; a header's name is written with underscores."""
        return self.ask("POST", path, body, _dashed(headers))

    def done(self, path: str, body: Any = None) -> Any:
        """Send a command that must succeed, and return its answer."""
        reply = self.post(path, body)
        assert reply.status in {200, 201}, reply
        return reply.json

    @contextmanager
    def feed(self, path: str, **headers: str) -> Iterator[Feed]:
        """Open a stream of server-sent events, on a connection of its own."""
        connection = UnixConnection(self.socket_path)
        try:
            connection.request("GET", path, headers={"Accept": "text/event-stream", **_dashed(headers)})
            with connection.getresponse() as response:
                yield Feed(response)
        finally:
            connection.close()

    @property
    def head(self) -> int:
        """How many events there are: what was refused must not change it."""
        events: int = self.get("/api/health").json["events"]
        return events

    # -- where tests begin

    def venture(self, name: str = "my-saas-app", **fields: str) -> str:
        """Set up a venture and return its id."""
        venture_id: str = self.done("/api/ventures", {"name": name, **fields})["id"]
        return venture_id

    def discovering(self) -> str:
        """Return the id of a venture whose discovery is active."""
        venture_id = self.venture()
        self.done(f"/api/ventures/{venture_id}/discovery/start")
        return venture_id

    def division(self, venture_id: str = "", name: str = "auth") -> str:
        """Discover a division, of a new venture unless one is given, and return its id."""
        venture_id = venture_id or self.discovering()
        answer = self.done(f"/api/ventures/{venture_id}/discovery/discover", {"division_name": name})
        division_id: str = answer["id"]
        return division_id

    def division_with(self, **states: str) -> str:
        """Return the id of a division with processes in these states: ``division_with(design="paused")``."""
        division_id = self.division()
        for process, state in states.items():
            self.bring(f"/api/divisions/{division_id}/{process}", state)
        return division_id

    def bring(self, path: str, state: str) -> None:
        """Bring the pending process at *path* into *state*."""
        for step in STEPS_TO[state]:
            self.done(f"{path}/{step}")


def _lower(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
