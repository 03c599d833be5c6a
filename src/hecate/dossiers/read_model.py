"""Read models: tables that follow from the events, kept in the append's own transaction.

So a caller reads what it has just written, and a crash never leaves the two apart.  A read
model whose schema or version has changed is folded anew from the events at the next start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Progress
    from hecate.dossiers.messages import Event
    from hecate.dossiers.process import Process

ANY = "*"
"""Stands for every stored name in `ReadModel.projections`."""


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asked, as the kernel says; a policy has a name instead."""

    uid: int | None = None
    pid: int | None = None
    policy: str = ""

    def __str__(self) -> str:
        return self.policy or (f"uid:{self.uid}" if self.uid is not None else "unknown")


class Meta(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept beside an event: who asked, in answer to what."""

    correlation_id: str = ""
    """The same for all that follows from one request: the request's id."""
    causation_id: str = ""
    """The id of the event that a policy reacted to, else the id of the request that asked."""
    actor: Actor = Actor()


@dataclass(slots=True)
class Fact:
    """An event as a projection sees it: in its place, after the lifecycle has moved on."""

    position: int
    stream: str
    version: int
    type: str
    event: Event
    process: Process
    subject_id: str
    venture_id: str
    recorded_at: int
    """Milliseconds since 1970, UTC."""
    meta: Meta
    progress: Progress


Projection = Callable[[apsw.Connection, Fact], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModel:
    """A table, and how facts change it.

    A projection changes the read model's own tables only, and sees nothing but them, the
    fact, and the tables of read models that it names in ``after``.
    """

    name: str
    """Of the read model and of its table."""
    schema: str
    """``CREATE TABLE`` and ``CREATE INDEX`` statements, each table STRICT."""
    projections: Mapping[str, Projection]
    """By today's stored name; `ANY` for all that have no projection of their own."""
    version: int = 1
    """Raise it when a projection changes its mind: the table is then folded anew."""
    after: tuple[str, ...] = ()
    """Read models that must have seen a fact before this one does."""

    @property
    def fingerprint(self) -> str:
        """What tells whether a stored table still is this one."""
        return hashlib.sha256(f"{self.version}\n{self.schema}".encode()).hexdigest()


class Projector:
    """Hands each fact to the projections that want it.

    Raises:
        ValueError: Two read models have one name, or they wait for each other.
    """

    def __init__(self, read_models: Sequence[ReadModel]) -> None:
        self.read_models = in_order(read_models)
        names = {name for model in self.read_models for name in model.projections} - {ANY}
        self._by_type = {name: self._wanting(name) for name in names}
        self._any = self._wanting(ANY)

    def _wanting(self, name: str) -> tuple[Projection, ...]:
        found = [model.projections.get(name) or model.projections.get(ANY) for model in self.read_models]
        return tuple([projection for projection in found if projection])

    def project(self, db: apsw.Connection, fact: Fact) -> None:
        """Change every read model that *fact* concerns."""
        for projection in self._by_type.get(fact.type, self._any):
            projection(db, fact)


def in_order(read_models: Sequence[ReadModel]) -> tuple[ReadModel, ...]:
    """Return *read_models* so that each comes after those it names in ``after``."""
    waiting = {model.name: model for model in sorted(read_models, key=lambda model: model.name)}
    if len(waiting) != len(read_models):
        raise ValueError(f"two read models have one name among {sorted(model.name for model in read_models)}")
    ordered: dict[str, ReadModel] = {}
    while waiting:
        ready = [model for model in waiting.values() if not set(model.after) & set(waiting)]
        if not ready:
            raise ValueError(f"these read models wait for each other: {sorted(waiting)}")
        for model in ready:
            ordered[model.name] = waiting.pop(model.name)
    return tuple(ordered.values())


def row_as_dict(cursor: apsw.Cursor) -> dict[str, Any] | None:
    """Return the next row of *cursor* by column name, or None."""
    row = cursor.fetchone()
    return (
        None if row is None else {column[0]: value for column, value in zip(cursor.getdescription(), row, strict=True)}
    )
