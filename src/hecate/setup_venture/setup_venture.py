"""Desk: set up a venture.

    POST /api/ventures
    {"name": "my-saas-app", "brief": "A multi-tenant SaaS platform"}

A venture is a business endeavour; it holds divisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hecate.dossiers.desk import Alias, Desk, Example
from hecate.dossiers.errors import Invalid
from hecate.dossiers.messages import Command, Event, Name, Text
from hecate.dossiers.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.dossier import Dossier
    from hecate.dossiers.read_model import Fact


class SetupVenture(Command, frozen=True):
    """Ask for a venture."""

    name: Name
    brief: Text = ""
    workspace: Text = ""


class VentureSetup(Event, frozen=True):
    """A venture exists.  ``workspace`` is the folder of its code as the caller named it, or empty."""

    name: str
    brief: str
    workspace: str


def decide(_dossier: Dossier, command: SetupVenture) -> Sequence[Event]:
    """Begin a venture; two may have the same name.

    Raises:
        Invalid: The workspace is no absolute path.
    """
    return [VentureSetup(name=command.name, brief=command.brief, workspace=checked_workspace(command.workspace))]


def checked_workspace(workspace: str) -> str:
    """Return *workspace* if it can be one: empty, or an absolute path.

    Raises:
        Invalid: It is relative, and nobody knows to what, or is no path at all.
    """
    if workspace and not (workspace.startswith("/") and workspace.isprintable()):
        raise Invalid(f"the workspace must be an absolute path, not {workspace[:100]!r} - at `$.workspace`")
    return workspace


def answer(fact: Fact) -> Mapping[str, Any]:
    """Return the venture's own fields for the answer's top level."""
    setup = fact.event
    assert isinstance(setup, VentureSetup)  # noqa: S101 - the desk raises nothing else
    return {
        "name": setup.name,
        "brief": setup.brief,
        "workspace": setup.workspace,
        "setup_at": rfc3339(fact.recorded_at),
        "initiated_at": fact.recorded_at,
        "initiated_by": str(fact.meta.actor),
    }


DESK = Desk(
    path="",
    command=SetupVenture,
    events=(VentureSetup,),
    decide=decide,
    states=frozenset({"pending"}),
    makes_subject=True,
    aliases=(Alias("setup"), Alias("initiate")),
    answer=answer,
    example=Example(
        when=SetupVenture(name="my-saas-app", brief="A multi-tenant SaaS platform"),
        then=(VentureSetup(name="my-saas-app", brief="A multi-tenant SaaS platform", workspace=""),),
    ),
)
