"""The dossier: the ordered events of one process of one subject, and what follows from them.

There is no other state.  A desk's ``decide`` asks the dossier what has happened
(``dossier.has(AggregateDesigned, aggregate_name="user")``) and answers with new events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from hecate.dossiers.messages import Event
    from hecate.dossiers.process import Process

E = TypeVar("E", bound="Event")


class Progress(msgspec.Struct):
    """Where a process stands in its lifecycle.  Times are milliseconds since 1970, UTC."""

    state: str = "pending"
    iteration: int = 0
    started_at: int | None = None
    paused_at: int | None = None
    pause_reason: str | None = None
    completed_at: int | None = None
    archived_at: int | None = None
    reopened: bool = False
    """Whether a redesign has opened the completed process for its next iteration; kept beside the dossier."""


class Dossier:
    """The events of one stream, oldest first, with an index for each question asked of them.

    Args:
        process: The process that the dossier belongs to.
        subject_id: Whose process it is, such as a division's id.
        venture_id: The venture that it belongs to.
    """

    __slots__ = (
        "_by_type",
        "_indexes",
        "next_id",
        "process",
        "progress",
        "stream",
        "subject_id",
        "venture_id",
        "version",
    )

    def __init__(self, process: Process, subject_id: str, venture_id: str = "") -> None:
        self.process = process
        self.subject_id = subject_id
        self.venture_id = venture_id
        self.stream = process.stream_of(subject_id)
        self.next_id = ""
        self.version = 0
        self.progress = Progress()
        self._by_type: dict[type[Event], list[Event]] = defaultdict(list)
        self._indexes: dict[tuple[type[Event], tuple[str, ...]], dict[tuple[Any, ...], Event]] = {}

    @property
    def state(self) -> str:
        """The lifecycle's state, such as ``active``."""
        return self.progress.state

    def has(self, kind: type[Event], **fields: object) -> bool:
        """Tell whether an event of *kind* with these field values has happened."""
        return self.find(kind, **fields) is not None

    def find(self, kind: type[E], **fields: object) -> E | None:
        """Return the newest event of *kind* with these field values, if any."""
        names = tuple(fields)
        index = self._indexes.get((kind, names))
        if index is None:
            index = {_values(event, names): event for event in self._by_type[kind]}
            self._indexes[kind, names] = index
        return cast("E | None", index.get(tuple(fields.values())))

    def all(self, kind: type[E]) -> Sequence[E]:
        """Return every event of *kind*, oldest first."""
        return cast("Sequence[E]", self._by_type.get(kind, ()))

    def new_id(self, prefix: str, number: int = 0) -> str:
        """Return an id for what the command at hand makes, such as ``agg-0193f2a1b3c000112345``.

        Of several with one prefix, each has a *number*, from 1: ``agg-0193f2a1b3c000112345-1``.
        The engine has laid its unique part beside the dossier, so that ``decide`` stays a pure function.
        """
        return f"{prefix}-{self.next_id}-{number}" if number else f"{prefix}-{self.next_id}"

    def record(self, event: Event, recorded_at: int) -> None:
        """Add *event*, which happened at *recorded_at*, in milliseconds since 1970, UTC."""
        kind = type(event)
        self.version += 1
        self._by_type[kind].append(event)
        for (indexed, names), index in self._indexes.items():
            if indexed is kind:
                index[_values(event, names)] = event
        self.process.lifecycle.evolve(self.progress, event, recorded_at)

    def replay(self, history: Iterable[tuple[Event, int]]) -> None:
        """Add every event of *history* with its time, as `record` does."""
        by_type, evolve, progress = self._by_type, self.process.lifecycle.evolve, self.progress
        moving = self.process.lifecycle.moving
        count = 0
        for event, recorded_at in history:
            kind = type(event)
            by_type[kind].append(event)
            if kind in moving:
                evolve(progress, event, recorded_at)
            count += 1
        self.version += count
        self._indexes.clear()


def _values(event: Event, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([getattr(event, name) for name in names])
