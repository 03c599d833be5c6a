"""Desk: record what a skeleton has come to.  Only the skeleton's own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


EXAMPLE_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class WrittenFile(msgspec.Struct, frozen=True):
    """A file as the daemon has left it."""

    path: str
    """In the workspace."""
    sha256: str
    bytes: int


class RecordSkeleton(Command, frozen=True):
    """Tell what was generated; the fields are those of the event."""

    workspace: str
    project: str
    language: str
    template: str
    files: tuple[WrittenFile, ...]
    conflicts: tuple[str, ...]
    commit: str


class SkeletonGenerated(Event, frozen=True):
    """The code of the division is in the workspace."""

    skeleton_id: str
    workspace: str
    """An absolute path; empty: the venture's workspace."""
    project: str
    """The project's folder in it."""
    language: str
    template: str
    files: tuple[WrittenFile, ...]
    """All that belongs to the skeleton and is as it was generated, written now or earlier."""
    conflicts: tuple[str, ...]
    """Paths of files that a person has changed, and that were left as they are."""
    commit: str
    """The commit that holds what was written now; empty: nothing was."""


def decide(dossier: Dossier, command: RecordSkeleton) -> Sequence[Event]:
    """Record the skeleton; one that is as the last was, with nothing new in it, adds nothing."""
    event = SkeletonGenerated(skeleton_id=dossier.new_id("skel"), **msgspec.structs.asdict(command))
    earlier = dossier.all(SkeletonGenerated)
    if not earlier:
        return [event]
    same = msgspec.structs.replace(
        earlier[-1], skeleton_id=event.skeleton_id, commit=event.commit and earlier[-1].commit
    )
    return [] if event == same else [event]


EXAMPLE = RecordSkeleton(
    workspace="",
    project="auth",
    language="python",
    template="python",
    files=(WrittenFile("auth/pyproject.toml", EXAMPLE_SHA256, 1187),),
    conflicts=("auth/README.md",),
    commit="2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
)

RECORD = Desk(
    path="",
    command=RecordSkeleton,
    events=(SkeletonGenerated,),
    decide=decide,
    states=EVERY_STATE,
    makes="skeleton_id",
    example=Example(when=EXAMPLE, then=(SkeletonGenerated(skeleton_id="skel-", **msgspec.structs.asdict(EXAMPLE)),)),
)
