"""Desk: assign a workspace to a venture.

    POST /api/ventures/{venture_id}/workspace
    {"workspace": "/home/you/src/my-saas-app"}

The workspace is the folder of the venture's code, for whatever is written and run from now on; what lies in the
one before stays there.  Empty stands for the daemon's own directory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hecate.dossiers.desk import Desk, Example
from hecate.dossiers.messages import Command, Event, Text
from hecate.setup_venture.setup_venture import VentureSetup, checked_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class AssignWorkspace(Command, frozen=True):
    """Ask that a venture's code is in the folder ``workspace``."""

    workspace: Text


class WorkspaceAssigned(Event, frozen=True):
    """A venture's code is in the folder ``workspace`` from now on; empty: in the daemon's own directory."""

    workspace: str


def decide(dossier: Dossier, command: AssignWorkspace) -> Sequence[Event]:
    """Assign the workspace; the one that it has adds nothing.

    Raises:
        Invalid: It is no absolute path.
    """
    workspace = checked_workspace(command.workspace)
    assigned = [event.workspace for event in dossier.all(WorkspaceAssigned)]
    now = assigned[-1] if assigned else dossier.all(VentureSetup)[-1].workspace
    return [] if workspace == now else [WorkspaceAssigned(workspace=workspace)]


DESK = Desk(
    path="{venture_id}/workspace",
    command=AssignWorkspace,
    events=(WorkspaceAssigned,),
    decide=decide,
    states=frozenset({"setup"}),
    example=Example(
        given=(VentureSetup(name="my-saas-app", brief="", workspace=""),),
        when=AssignWorkspace(workspace="/home/you/src/my-saas-app"),
        then=(WorkspaceAssigned(workspace="/home/you/src/my-saas-app"),),
    ),
)
