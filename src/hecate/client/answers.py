"""What the daemon answers, as values.

Fields that the API promises are required; the rest have defaults, and fields that this client does not know are
ignored, so that a client and a daemon of different versions understand each other.
"""

from __future__ import annotations

from typing import Any

import msgspec

PROCESSES = {
    "design": "designs",
    "plan": "plans",
    "generate": "generations",
    "test": "tests",
    "deploy": "deployments",
    "monitor": "monitoring",
    "rescue": "rescues",
}
"""The processes of a division, in the order of the cycle, each with the path and the key of its read model."""


class Health(msgspec.Struct, frozen=True):
    """The daemon is there."""

    status: str
    version: str
    uptime_seconds: int
    events: int = 0
    """How many are in the store, which is also the position of the newest."""
    error: str = ""
    """Why it is degraded."""


class Venture(msgspec.Struct, frozen=True):
    """A business endeavour."""

    id: str
    name: str
    brief: str | None = None
    workspace: str | None = None
    status: int = 1
    """Bit flags: 1 set up, 2 archived."""
    status_label: str = ""
    setup_at: str = ""
    version: int = 0
    """Of its dossier; 0 in a list."""
    available_actions: tuple[str, ...] = ()
    """Empty in a list."""

    @property
    def is_archived(self) -> bool:
        """Whether it was put away."""
        return bool(self.status & 2)


class VenturePage(msgspec.Struct, frozen=True):
    """Some ventures; `next` is what to pass as ``after`` for the page after, None on the last."""

    ventures: tuple[Venture, ...]
    next: str | int | None = None


class Outside(msgspec.Struct, frozen=True):
    """A place that keeps what it has of a forgotten venture."""

    path: str
    what: str


class Forgetting(msgspec.Struct, frozen=True):
    """What was erased of a venture, or would be: of how many events, jobs and kept answers the texts."""

    venture_id: str
    dry_run: bool
    events: int
    jobs: int
    answers: int
    outside: tuple[Outside, ...]
    besides: str
    """What else may have its texts, in a sentence."""


class ProcessState(msgspec.Struct, frozen=True):
    """The state of one process."""

    state: str
    status: int = 0
    """Bit flags: 1 initiated, 2 active, 4 paused, 8 completed, 16 archived."""
    status_label: str = ""
    available_actions: tuple[str, ...] = ()
    version: int = 0
    started_at: str | None = None
    paused_at: str | None = None
    pause_reason: str | None = None
    completed_at: str | None = None
    iteration: int = 0


class Division(msgspec.Struct, frozen=True):
    """One bounded context of a venture, with the process that was touched last."""

    id: str
    name: str
    venture_id: str = ""
    description: str | None = None
    rationale: str | None = None
    discovered_at: str = ""
    process: str | None = None
    state: str | None = None
    health: str = "unknown"
    processes: dict[str, ProcessState] = {}
    """By name, in the order of the cycle; empty in a list of divisions."""


class DivisionPage(msgspec.Struct, frozen=True):
    """Some divisions of a venture; `next` as in `VenturePage`."""

    divisions: tuple[Division, ...]
    next: str | int | None = None


class DivisionProgress(msgspec.Struct, frozen=True):
    """Where a division stands."""

    process: str | None = None
    state: str | None = None
    health: str = "unknown"


class VentureStatus(msgspec.Struct, frozen=True):
    """Where every division of a venture stands, by name."""

    venture_id: str
    name: str
    divisions: dict[str, DivisionProgress]


class ProcessView(msgspec.Struct, frozen=True):
    """What one process of a division has made so far; every item says its ``kind``."""

    process: ProcessState
    items: tuple[dict[str, Any], ...]
    besides: dict[str, Any] = {}
    """What this process's answer has more than others, such as ``uncovered_aggregates``."""
    next: str | int | None = None
    """As in `VenturePage`."""


class Appended(msgspec.Struct, frozen=True):
    """An event that a command appended."""

    type: str
    data: dict[str, Any] = {}


class CommandAnswer(msgspec.Struct, frozen=True):
    """What a command did."""

    id: str = ""
    venture_id: str = ""
    division_id: str = ""
    process: str = ""
    state: str = ""
    version: int = 0
    """Of the dossier; pass it as ``expected_version`` to be refused if somebody else was faster."""
    status: int = 0
    status_label: str = ""
    available_actions: tuple[str, ...] = ()
    events: tuple[Appended, ...] = ()
    """Empty when the command was a repetition."""
    warnings: tuple[str, ...] = ()
    job_id: str = ""
    """Of the job that does the work, where there is some: `Client.follow_job` tells how it goes."""


class JobOutput(msgspec.Struct, frozen=True):
    """What a job has printed: its beginning and its end."""

    head: str = ""
    tail: str = ""
    skipped_lines: int = 0


class Job(msgspec.Struct, frozen=True):
    """Work that follows from a command."""

    id: str
    process: str
    action: str
    state: str
    """``queued``, ``running``, ``succeeded``, ``failed``, ``cancelled`` or ``interrupted``."""
    venture_id: str = ""
    division_id: str | None = None
    message: str = ""
    done: int | None = None
    total: int | None = None
    error: str | None = None
    code: str | None = None
    created_at: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    duration_ms: int | None = None
    events: tuple[Appended, ...] = ()
    """What has been recorded; empty in a list."""
    output: JobOutput = JobOutput()

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.finished_at is not None


class JobPage(msgspec.Struct, frozen=True):
    """Some jobs, the newest first; `next` is what to pass as ``after`` for the page after, None on the last."""

    jobs: tuple[Job, ...]
    next: str | None = None


class JobMessage(msgspec.Struct, frozen=True):
    """Something that a job tells while it works."""

    type: str
    """``output`` has a ``line``, ``progress`` a ``message``, ``state`` a ``state``, ``done`` the whole ``job``."""
    line: str = ""
    message: str = ""
    done: int | None = None
    total: int | None = None
    state: str = ""
    job: Job | None = None


class RecordedEvent(msgspec.Struct, frozen=True):
    """One event of the store."""

    position: int
    """In the whole store, from 1."""
    stream: str
    version: int
    """In its stream, from 1."""
    type: str
    data: dict[str, Any] = {}
    recorded_at: str = ""
    """RFC 3339, UTC, to the millisecond."""
    meta: dict[str, Any] = {}
    """Who caused it, and by what: correlation, causation, actor."""
    event_id: str = ""
    venture_id: str = ""
    hash: str = ""
    """Over the hash before it and the event, in hexadecimal."""


class EventPage(msgspec.Struct, frozen=True):
    """Some events, oldest first; the next page is after the position `next`, and empty at the end."""

    events: tuple[RecordedEvent, ...]
    next: int
