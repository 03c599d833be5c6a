"""A process as a value: what differs between the ten, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hecate.dossiers.desk import Desk
    from hecate.dossiers.dossier import Progress
    from hecate.dossiers.messages import Event


class Status(IntFlag):
    """The bits of a long process's ``status``."""

    INITIATED = 1
    ACTIVE = 2
    PAUSED = 4
    COMPLETED = 8
    ARCHIVED = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose processes they are: a venture or a division.

    Args:
        kind: As in sentences: ``division``.
        parameter: The path parameter and field: ``division_id``.
        lookup: SQL that takes an id and gives one row, the id of the venture that it belongs
            to, or no row for an unknown id.  It reads another process's read model by its
            stored name, which is how processes meet.
    """

    kind: str
    parameter: str
    lookup: str


VENTURE = Subject("venture", "venture_id", "SELECT id FROM ventures WHERE id = ?")
DIVISION = Subject("division", "division_id", "SELECT venture_id FROM divisions WHERE id = ?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lifecycle:
    """The states of a process, how its events move them, and the desks that raise those events."""

    evolve: Callable[[Progress, Event, int], None]
    """Takes the event and its time in milliseconds since 1970, and changes the progress."""
    status: Mapping[str, int]
    """Each state's ``status`` bits."""
    moving: frozenset[type[Event]]
    """The events that ``evolve`` looks at."""
    events: tuple[type[Event], ...] = ()
    """Those stored under the process's noun: ``design_started_v1``."""
    facts: tuple[type[Event], ...] = ()
    """Those of no desk, stored under their own names."""
    desks: tuple[Desk, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Process:
    """One of the processes: its names, its place and its lifecycle."""

    name: str
    """``design_division``: the package's name, and ``process`` in answers."""
    number: int
    """Its place in the cycle, from 1."""
    phase: str
    """``dna``, ``anp``, ``tni`` or ``dno``."""
    path: str
    """``/api/divisions/{division_id}/design``; desks are below it."""
    noun: str
    """The first word of its streams and lifecycle events: ``design-div-1``, ``design_started_v1``."""
    subject: Subject
    lifecycle: Lifecycle
    comes_after: str = ""
    """The process that is usually completed first; empty: it may start at any time."""
    redesigned: bool = False
    """Whether a redesign of its division opens it again once it is completed."""

    def stream_of(self, subject_id: str) -> str:
        """Return the name of the stream of *subject_id*'s dossier."""
        return f"{self.noun}-{subject_id}"

    def status_of(self, state: str) -> int:
        """Return the ``status`` bits of *state*."""
        return self.lifecycle.status[state]
