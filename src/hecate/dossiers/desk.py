"""A desk: one command, the events it may raise, the decision between them, and the work that follows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apsw

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


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of a command that names what another process has recorded; where it does not, the command is refused.

    Args:
        field: The command's field.  An empty value names nothing, and is left to ``decide``.
        kind: As in sentences: ``incident``.
        lookup: SQL that takes the value and the subject's id, and gives a row if there is such a thing.  It reads
            the other process's read model by its stored name, in the unit that takes the command.
    """

    field: str
    kind: str
    lookup: str


def _always(_command: Command) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """What a desk does once its decision is recorded: a job, which ends by recording its outcome.

    Its functions take a `hecate.jobs.job.Job`.
    """

    do: Callable[[Any], Awaitable[Command]]
    """Does the work and returns the command that records its outcome.

    It may raise a `HecateError` that says why it cannot be done; it is cancelled when the job is.
    """
    record: Desk
    """The desk that takes that command.  It has no path: nobody but the job reaches it."""
    unfinished: Callable[[Any], Command | None] | None = None
    """Returns what to record when the work has failed, was cancelled or interrupted; None: nothing but that."""
    needed: Callable[[Any], bool] = _always
    """Whether the command leaves anything to do; where it does not, all is decided at once and the answer is 201."""
    put_right: Callable[[Any], Awaitable[None]] | None = None
    """Takes back what the work has left half done, when it has failed, was cancelled or interrupted.

    It comes before `unfinished`, also at the next start where the daemon was killed.
    """
    holds_workspace: bool = False
    """Whether it needs the venture's workspace for itself: two such jobs of a venture go one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Desk:
    """One vertical slice: how it is reached, what it takes, what it decides."""

    path: str
    """Below the process's path: ``aggregate``."""
    command: type[Command]
    events: tuple[type[Event], ...]
    decide: Callable[[Dossier, Any], Sequence[Event]]
    """A pure function.  An empty answer means that there is nothing to add."""
    gate: Callable[[apsw.Connection, str], str] | None = None
    """Says why the command should rather wait for another process, asked of the store and the subject's id.

    An empty text: it need not.  Else the sentence is a warning, or with strict gates the refusal.
    """
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
    work: Work | None = None
    """What is done after the decision; the answer is 202 then, and names the job."""
    refers_to: tuple[Reference, ...] = ()
    """What must be recorded elsewhere before the command is taken."""

    @property
    def records(self) -> tuple[type[Event], ...]:
        """Every event that follows from the command, at once or when the work is done."""
        return self.events if self.work is None else (*self.events, *self.work.record.events)

    def leaves_work(self, command: Command) -> bool:
        """Tell whether something is left to do once *command* is decided."""
        return self.work is not None and self.work.needed(command)

    @property
    def action(self) -> str:
        """The name in ``available_actions``: the path without its parameters."""
        return "/".join(part for part in self.path.split("/") if not part.startswith("{"))
