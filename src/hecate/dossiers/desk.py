"""A desk: one command, the events it may raise, and the decision between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.messages import Command, Event
    from hecate.dossiers.read_model import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A worked example: test, documentation and OpenAPI example in one.

    The id that the last event makes is compared by its prefix only.
    """

    given: tuple[Event, ...] = ()
    """What has happened in the process, after it was started."""
    when: Command
    then: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """Another path of a desk, for clients of the original daemon.

    Args:
        path: As `Desk.path`; a path that begins with ``/`` is taken whole.
        renames: The client's field names and ours.
    """

    path: str
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Desk:
    """One vertical slice: how it is reached, what it takes, what it decides."""

    path: str
    """Below the process's path: ``aggregate``."""
    command: type[Command]
    events: tuple[type[Event], ...]
    decide: Callable[[Dossier, Any], Sequence[Event]]
    """A pure function.  An empty answer means that there is nothing to add."""
    example: Example
    states: frozenset[str] = frozenset({"active"})
    """The lifecycle states in which the command is taken."""
    makes: str = ""
    """The event's field that holds the id of what was made; empty: nothing new was made."""
    makes_subject: bool = False
    """Whether the command begins a new subject, with an id of its own (a venture)."""
    status: int = 201
    summary: str = ""
    """One line for the documents; the first line of the module's docstring where empty."""
    aliases: tuple[Alias, ...] = ()
    answer: Callable[[Fact], Mapping[str, Any]] | None = None
    """Further fields of the answer, from the last event."""

    @property
    def action(self) -> str:
        """The name in ``available_actions``: the path's last literal part."""
        return self.path.rpartition("/")[2]
