"""The project as templates see it: everything in a design under names that Python, SQL and file systems take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event or a command, or what tells one stream from another."""

    name: str
    type: FieldType
    title: str
    """As it was designed."""

    @property
    def sample(self) -> str:
        """A value, as Python writes it."""
        return {"int": "1", "float": "1.5", "bool": "True"}.get(self.type, f'"{self.name}-1"')

    @property
    def sample_value(self) -> str | int | float | bool:
        """The same value."""
        values: dict[str, int | float | bool] = {"int": 1, "float": 1.5, "bool": True}
        return values.get(self.type, f"{self.name}-1")


@dataclass(frozen=True, slots=True)
class Flag:
    """A bit of an aggregate's status."""

    name: str
    bit: int
    """Its number, from 0."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What the division keeps consistent: a module."""

    module: str
    title: str
    description: str
    stream: tuple[str | Field, ...]
    """The literal and the variable parts of its streams' names, in turn."""
    flags: tuple[Flag, ...] = ()

    @property
    def ids(self) -> tuple[Field, ...]:
        """The variable parts of its streams' names; there is always one."""
        return tuple(part for part in self.stream if isinstance(part, Field))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What can happen: a class, in the file of the desk that raises it or in one of its own."""

    class_name: str
    stored_as: str
    title: str
    description: str
    aggregate: Aggregate
    fields: tuple[Field, ...]
    """The aggregate's ids, and then the payload."""
    sets: Flag | None
    """The status flag that says the same."""
    module: str
    """What its file is called, if it has one of its own."""
    has_file: bool
    """Whether it has; else it is in that of the desk that raises it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDesk:
    """A desk that decides."""

    id: str
    module: str
    title: str
    description: str
    priority: str
    aggregate: Aggregate
    class_name: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionDesk:
    """A desk that keeps a read model."""

    id: str
    module: str
    title: str
    description: str
    priority: str
    aggregate: Aggregate | None
    """None: it follows all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDesk:
    """A desk that answers questions, from its own read model or that of a projection desk."""

    id: str
    module: str
    title: str
    description: str
    priority: str
    aggregate: Aggregate | None
    reads: ProjectionDesk | None = None

    @property
    def table(self) -> str:
        """The table of the read model."""
        return f"read_{self.module if self.reads is None else self.reads.module}"


Desk = CommandDesk | ProjectionDesk | QueryDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """All of it."""

    folder: str
    package: str
    distribution: str
    venture: str
    division: str
    aggregates: tuple[Aggregate, ...]
    events: tuple[Event, ...]
    """Those that have a file of their own."""
    commands: tuple[CommandDesk, ...]
    projections: tuple[ProjectionDesk, ...]
    queries: tuple[QueryDesk, ...]
