"""What can be asked about a venture as a whole: its board, its timeline, and the graph of a division's desks."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec

from hecate.client.question import Question, decoded


class ProcessOnBoard(msgspec.Struct, frozen=True):
    """Where a process stands."""

    state: str
    iteration: int = 0


class OpenIncident(msgspec.Struct, frozen=True):
    """Something is wrong."""

    title: str
    severity: str
    incident_id: str = ""
    raised_at: str = ""


class LastTest(msgspec.Struct, frozen=True):
    """How the tests went last."""

    outcome: str
    suite_type: str = ""
    passed: int = 0
    total: int = 0
    recorded_at: str = ""


class LiveRelease(msgspec.Struct, frozen=True):
    """What is live."""

    version: str
    live_since: str = ""
    target: str = ""


class DivisionOnBoard(msgspec.Struct, frozen=True):
    """A division at a glance."""

    division_id: str
    name: str
    process: str
    state: str
    health: str
    processes: dict[str, ProcessOnBoard] = {}
    open_incidents: tuple[OpenIncident, ...] = ()
    """The worst first, and not all if there are many."""
    open_incident_count: int = 0
    last_test: LastTest | None = None
    live_release: LiveRelease | None = None


class Board(msgspec.Struct, frozen=True):
    """A venture at a glance."""

    venture_id: str
    name: str
    position: int
    """Of the newest event that it knows of."""
    divisions: tuple[DivisionOnBoard, ...] = ()


class Happening(msgspec.Struct, frozen=True):
    """Something that has happened."""

    position: int
    at: str
    sentence: str
    by: str = ""


class Timeline(msgspec.Struct, frozen=True):
    """What has happened."""

    happenings: tuple[Happening, ...]
    next: int | None = None


def board(venture_id: str) -> Question[Board]:
    """How does every division of this venture do?"""
    return Question("GET", f"/api/ventures/{quote(venture_id, safe='')}/board", lambda body: decoded(body, Board))


def timeline(
    venture_id: str, *, division: str, limit: int, after: int = 0, newest_first: bool = False
) -> Question[Timeline]:
    """What has happened to this venture, or to one of its divisions?"""
    query = {"limit": limit, "after": after, "division": division, "newest_first": "true" if newest_first else ""}
    path = f"/api/ventures/{quote(venture_id, safe='')}/timeline"
    chosen = urlencode({name: value for name, value in query.items() if value})
    return Question("GET", f"{path}?{chosen}", lambda body: decoded(body, Timeline))


def graph(division_id: str, form: str) -> Question[bytes]:
    """Which planned desk needs which?  *form* is ``json``, ``mermaid`` or ``dot``."""
    return Question("GET", f"/api/divisions/{quote(division_id, safe='')}/graph?format={form}", bytes)
