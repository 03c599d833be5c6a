"""What can be asked about ventures, divisions, jobs and events, and how a command is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from hecate.client.answers import (
    PROCESSES,
    CommandAnswer,
    Division,
    DivisionPage,
    EventPage,
    Forgetting,
    Health,
    Job,
    JobPage,
    ProcessView,
    Venture,
    VenturePage,
    VentureStatus,
)
from hecate.client.errors import AnswerUnreadable
from hecate.client.question import Question, decoded, get, not_read_whole

Place = str | int
"""Where a page begins: what the page before said."""


def health() -> Question[Health]:
    """Is the daemon there?"""
    return get("/api/health", Health)


def openapi() -> Question[dict[str, Any]]:
    """What can the daemon do?"""
    return get("/api/openapi.json", dict[str, Any])


def ventures(
    *, limit: int, after: Place | None, include_archived: bool, newest_first: bool = False
) -> Question[VenturePage]:
    """Which ventures are there?"""
    page = _page(limit, after, include_archived=include_archived, newest_first=newest_first)
    return get(f"/api/ventures{page}", VenturePage)


def venture(venture_id: str) -> Question[Venture]:
    """What is this venture?"""
    return get(f"/api/ventures/{quote(venture_id, safe='')}", Venture)


def venture_status(venture_id: str) -> Question[VentureStatus]:
    """Where does every division of this venture stand?"""
    return get(f"/api/ventures/{quote(venture_id, safe='')}/status", VentureStatus)


def forget_venture(venture_id: str, *, dry_run: bool) -> Question[Forgetting]:
    """Please erase every text of this venture, or say what would go."""
    body = msgspec.json.encode({"dry_run": dry_run})
    path = f"/api/ventures/{quote(venture_id, safe='')}/forget"

    def read(answer: bytes) -> Forgetting:
        return decoded(answer, Forgetting)

    return Question("POST", path, read, body, {"Content-Type": "application/json"}, patient=True)


def divisions(venture_id: str, *, limit: int, after: Place | None) -> Question[DivisionPage]:
    """Which divisions does this venture have?"""
    path = f"/api/ventures/{quote(venture_id, safe='')}/divisions"
    return get(f"{path}{_page(limit, after)}", DivisionPage)


def division(division_id: str) -> Question[Division]:
    """What is this division?"""

    def read(body: bytes) -> Division:
        return decoded(body, _DivisionAnswer).division

    return Question("GET", f"/api/divisions/{quote(division_id, safe='')}", read)


def process(division_id: str, name: str, *, limit: int, after: Place | None) -> Question[ProcessView]:
    """What has this process of the division made?

    Raises:
        ValueError: There is no such process.
    """
    if name not in PROCESSES:
        raise ValueError(f"there is no process {name!r}: it is one of {', '.join(PROCESSES)}")
    key = PROCESSES[name]

    def read(body: bytes) -> ProcessView:
        answer = decoded(body, dict[str, Any])
        view = {field: answer.pop(field, None) for field in ("process", "next")}
        view["items"] = answer.pop(key, None)
        view["besides"] = {field: value for field, value in answer.items() if field not in {"ok", "division_id"}}
        try:
            return msgspec.convert(view, ProcessView)
        except msgspec.ValidationError as exc:
            raise AnswerUnreadable(f"the daemon's answer is not what the API promises: {exc}") from exc

    return Question("GET", f"/api/divisions/{quote(division_id, safe='')}/{key}{_page(limit, after)}", read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events."""

    after: int = 0
    """A position; 0 for the beginning."""
    event_type: str | None = None
    """Stored names such as ``venture_setup_v1``, separated by commas; None for all."""
    stream: str | None = None
    """Names of streams such as ``design-div-1``, separated by commas; None for all."""
    venture_id: str | None = None
    """Of one venture and its divisions only."""
    division_id: str | None = None
    """Of one division only."""

    def path(self, limit: int | None = None) -> str:
        """Return the path that gives them, at most *limit*."""
        path = "/api/events"
        if self.division_id is not None:
            path = f"/api/divisions/{quote(self.division_id, safe='')}/events"
        elif self.venture_id is not None:
            path = f"/api/ventures/{quote(self.venture_id, safe='')}/events"
        chosen = {"after": self.after, "limit": limit, "type": self.event_type, "stream": self.stream}
        return f"{path}?{urlencode({name: value for name, value in chosen.items() if value is not None})}"


EVERYTHING = Selection()


def events(selection: Selection, *, limit: int) -> Question[EventPage]:
    """Which events are there?"""
    return get(selection.path(limit), EventPage)


def event_lines(selection: Selection) -> Question[None]:
    """Which events are there, one a line?"""
    headers = {"Accept": "application/x-ndjson"}
    return Question("GET", selection.path(), not_read_whole, headers=headers, patient=True)


def live_events(selection: Selection, last_id: str) -> Question[None]:
    """Which events are there, and which come?  *last_id* is that of the last one seen, or empty."""
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    return Question("GET", selection.path(), not_read_whole, headers=headers, patient=True)


def command(
    path: str, fields: Mapping[str, Any], *, idempotency_key: str | None, expected_version: int | None
) -> Question[CommandAnswer]:
    """Please do this."""
    headers = {"Content-Type": "application/json"}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    if expected_version is not None:
        headers["If-Match"] = f'"{expected_version}"'
    return Question("POST", path, lambda body: decoded(body, CommandAnswer), msgspec.json.encode(fields), headers)


def discovery_path(venture_id: str, verb: str) -> str:
    """Return the path of a command of discovery, such as ``start`` or ``discover``."""
    return f"/api/ventures/{quote(venture_id, safe='')}/discovery/{quote(verb, safe='')}"


def division_path(division_id: str, process_name: str, verb: str) -> str:
    """Return the path of a command of a division's process, such as ``design`` and ``aggregate``."""
    return f"/api/divisions/{quote(division_id, safe='')}/{quote(process_name, safe='')}/{quote(verb, safe='')}"


def jobs(*, limit: int, after: Place | None, **chosen: str | None) -> Question[JobPage]:
    """Which jobs are there?  *chosen* are ``state``, ``venture_id``, ``division_id`` and ``process``."""
    query = urlencode({name: value for name, value in chosen.items() if value})
    return get(f"/api/jobs{_page(limit, after)}{'&' if query else ''}{query}", JobPage)


def job(job_id: str) -> Question[Job]:
    """How does this job do?"""
    return Question("GET", f"/api/jobs/{quote(job_id, safe='')}", _the_job)


def cancel_job(job_id: str) -> Question[Job]:
    """Please end this job."""
    return Question("POST", f"/api/jobs/{quote(job_id, safe='')}/cancel", _the_job, b"", patient=True)


def job_messages(job_id: str, last_id: str = "") -> Question[None]:
    """What does this job tell?  *last_id* is that of the last message seen, or empty."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
    path = f"/api/jobs/{quote(job_id, safe='')}/stream"
    return Question("GET", path, not_read_whole, headers=headers, patient=True)


class _DivisionAnswer(msgspec.Struct, frozen=True):
    division: Division


class _JobAnswer(msgspec.Struct, frozen=True):
    job: Job


def _the_job(body: bytes) -> Job:
    return decoded(body, _JobAnswer).job


def _page(limit: int, after: Place | None, **wishes: bool) -> str:
    query: dict[str, str | int] = {"limit": limit}
    if after is not None:
        query["after"] = after
    query |= {name: "true" for name, is_wished in wishes.items() if is_wished}
    return f"?{urlencode(query)}"
