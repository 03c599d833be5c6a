"""The lifecycle of a long process: start, pause, resume, complete, archive, written once.

    pending --start--> active --pause--> paused --resume--> active
                       active --complete--> completed
                       any state but pending --archive--> archived

The events are stored per process (``design_started_v1``, ``plan_paused_v1``), under the
process's noun.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Text
from hecate.dossiers.process import Lifecycle, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier, Progress


class Start(Command, frozen=True):
    """Begin the process, or its next iteration."""


class Pause(Command, frozen=True):
    """Hold the process."""

    reason: Text = ""


class Resume(Command, frozen=True):
    """Go on with a paused process."""


class Complete(Command, frozen=True):
    """End the process's work."""


class Archive(Command, frozen=True):
    """Put the process away for good."""

    reason: Text = ""


class Started(Event, frozen=True):
    """The process began its iteration number ``iteration``, from 1."""

    iteration: int


class Paused(Event, frozen=True):
    """The process is held, for ``reason`` if there is one."""

    reason: str = ""


class Resumed(Event, frozen=True):
    """The process goes on."""


class Completed(Event, frozen=True):
    """The process's work is done."""


class Archived(Event, frozen=True):
    """The process is put away, for ``reason`` if there is one."""

    reason: str = ""


def evolve(progress: Progress, event: Event, recorded_at: int) -> None:
    """Move *progress* on by *event*; an event of a desk's own leaves it as it is."""
    match event:
        case Started(iteration=iteration):
            progress.state = "active"
            progress.iteration = iteration
            progress.started_at = recorded_at
            progress.completed_at = None
        case Paused(reason=reason):
            progress.state = "paused"
            progress.paused_at = recorded_at
            progress.pause_reason = reason or None
        case Resumed():
            progress.state = "active"
            progress.paused_at = progress.pause_reason = None
        case Completed():
            progress.state = "completed"
            progress.completed_at = recorded_at
        case Archived():
            progress.state = "archived"
            progress.archived_at = recorded_at
            progress.paused_at = progress.pause_reason = None


def start(dossier: Dossier, _command: Start) -> Sequence[Event]:
    """Begin the next iteration; the first is number 1."""
    return [Started(iteration=dossier.progress.iteration + 1)]


def pause(_dossier: Dossier, command: Pause) -> Sequence[Event]:
    """Hold the process until it is resumed."""
    return [Paused(reason=command.reason)]


def resume(_dossier: Dossier, _command: Resume) -> Sequence[Event]:
    """Go on where the process was paused."""
    return [Resumed()]


def complete(_dossier: Dossier, _command: Complete) -> Sequence[Event]:
    """End the iteration."""
    return [Completed()]


def archive(_dossier: Dossier, command: Archive) -> Sequence[Event]:
    """Put the process away; nothing opens it again."""
    return [Archived(reason=command.reason)]


START = Desk(
    path="start",
    command=Start,
    events=(Started,),
    decide=start,
    states=frozenset({"pending"}),
    summary="Start the process.",
    example=Example(when=Start(), then=(Started(iteration=1),)),
)
DESKS = (
    START,
    Desk(
        path="pause",
        command=Pause,
        events=(Paused,),
        decide=pause,
        status=200,
        summary="Pause the process; the reason is kept until it is resumed.",
        example=Example(when=Pause(reason="waiting for the brief"), then=(Paused(reason="waiting for the brief"),)),
    ),
    Desk(
        path="resume",
        command=Resume,
        events=(Resumed,),
        decide=resume,
        states=frozenset({"paused"}),
        status=200,
        summary="Resume the paused process.",
        example=Example(given=(Paused(),), when=Resume(), then=(Resumed(),)),
    ),
    Desk(
        path="complete",
        command=Complete,
        events=(Completed,),
        decide=complete,
        status=200,
        summary="Complete the process.",
        example=Example(when=Complete(), then=(Completed(),)),
    ),
    Desk(
        path="archive",
        command=Archive,
        events=(Archived,),
        decide=archive,
        states=frozenset({"active", "paused", "completed"}),
        status=200,
        summary="Archive the process for good.",
        example=Example(when=Archive(reason="merged into billing"), then=(Archived(reason="merged into billing"),)),
    ),
)

LONG = Lifecycle(
    evolve=evolve,
    status={
        "pending": 0,
        "active": int(Status.INITIATED | Status.ACTIVE),
        "paused": int(Status.INITIATED | Status.PAUSED),
        "completed": int(Status.INITIATED | Status.COMPLETED),
        "archived": int(Status.INITIATED | Status.ARCHIVED),
    },
    moving=frozenset({Started, Paused, Resumed, Completed, Archived}),
    events=(Started, Paused, Resumed, Completed, Archived),
    desks=DESKS,
)
"""Each process once: a completed one stays completed."""

RESTARTABLE = replace(
    LONG,
    desks=(replace(START, states=frozenset({"pending", "completed"})), *DESKS[1:]),
)
"""A process that may be started again whenever it is completed."""

EVERY_STATE = frozenset(LONG.status)
"""For what has happened whatever the process's state, such as the outcome of a job."""
