"""Desk: record what the generation of one desk has come to.  Only its own job reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.lifecycle import EVERY_STATE
from hecate.dossiers.messages import Command, Event
from hecate.generate_division.record_skeleton import EXAMPLE_SHA256, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class RecordDesk(Command, frozen=True):
    """Tell what was generated; the fields are those of the event."""

    desk_id: str
    desk_name: str
    files: tuple[WrittenFile, ...]
    conflicts: tuple[str, ...]
    commit: str
    model: str = ""
    rolled_back: str = ""


class DeskGenerated(Event, frozen=True):
    """The slice of a desk is in the workspace."""

    generation_id: str
    desk_id: str
    desk_name: str
    files: tuple[WrittenFile, ...]
    """Those of the desk, and what it needs of others and was not there yet."""
    conflicts: tuple[str, ...]
    """Paths of files that a person has changed, and that were left as they are."""
    commit: str
    """The commit that holds what was written now; empty: nothing was."""
    model: str
    """Whose body the desk has; empty: the template's."""
    rolled_back: str
    """Why a model's body was not kept; empty: it was, or none was asked for."""


def decide(dossier: Dossier, command: RecordDesk) -> Sequence[Event]:
    """Record the desk; one that is as it was adds nothing."""
    event = DeskGenerated(generation_id=dossier.new_id("gen"), **msgspec.structs.asdict(command))
    earlier = dossier.find(DeskGenerated, desk_id=command.desk_id)
    if earlier is None:
        return [event]
    # What this generation has nothing to say of, a commit, a model, a body rolled back, is as it was.
    same = msgspec.structs.replace(
        earlier,
        generation_id=event.generation_id,
        commit=event.commit and earlier.commit,
        model=event.model and earlier.model,
        rolled_back=event.rolled_back and earlier.rolled_back,
    )
    return [] if event == same else [event]


RECORD = Desk(
    path="",
    command=RecordDesk,
    events=(DeskGenerated,),
    decide=decide,
    states=EVERY_STATE,
    makes="generation_id",
    example=Example(
        when=RecordDesk(
            desk_id="desk-1",
            desk_name="register_user",
            files=(WrittenFile("auth/src/auth/commands/register_user.py", EXAMPLE_SHA256, 1187),),
            conflicts=(),
            commit="2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        ),
        then=(
            DeskGenerated(
                generation_id="gen-",
                desk_id="desk-1",
                desk_name="register_user",
                files=(WrittenFile("auth/src/auth/commands/register_user.py", EXAMPLE_SHA256, 1187),),
                conflicts=(),
                commit="2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
                model="",
                rolled_back="",
            ),
        ),
    ),
)
