"""What is generated from: the design and the plan of a division, as its dossiers tell them.

The order of everything is that in which it was designed and planned.  Designs only grow, and names that collide are
told apart in this order, so what was generated once keeps its name.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

DeskType = Literal["command", "projection", "query"]


class DesignedAggregate(Struct, frozen=True, kw_only=True):
    """What the division keeps consistent."""

    name: str
    stream_pattern: str = ""
    """Such as ``user-{user_id}``: what is in braces tells one of its streams from another."""
    status_flags: tuple[str, ...] = ()
    description: str = ""


class DesignedEvent(Struct, frozen=True, kw_only=True):
    """What can happen to an aggregate."""

    name: str
    aggregate: str = ""
    payload_fields: tuple[str, ...] = ()
    """Each a name, or a name and a type: ``amount: int``."""
    description: str = ""


class PlannedDesk(Struct, frozen=True, kw_only=True):
    """One vertical slice."""

    id: str
    name: str
    type: DeskType = "command"
    aggregate: str = ""
    priority: str = "P2"
    description: str = ""
    needs: tuple[str, ...] = ()
    """The ids of the desks that it depends on."""


class Design(Struct, frozen=True, kw_only=True):
    """All that the templates are given, in its owner's words."""

    venture: str
    division: str
    project: str
    """The folder of the project in the workspace."""
    aggregates: tuple[DesignedAggregate, ...] = ()
    events: tuple[DesignedEvent, ...] = ()
    desks: tuple[PlannedDesk, ...] = ()
    order: tuple[str, ...] = ()
    """Ids of desks, those to be built first; desks that it does not name come after them."""
    written: tuple[str, ...] = ()
    """Paths of what was generated before: an event that no desk raised then has a file of its own, and keeps it."""


class GeneratedFile(Struct, frozen=True):
    """A file of the project, as it comes from its template."""

    path: str
    """In the workspace."""
    text: str
    desk_id: str
    """The desk that it is part of; empty: it is there whatever the desks are."""


class Rendering(Struct, frozen=True, kw_only=True):
    """What is asked of the process that renders: see `hecate.generate_division.skeleton.__main__`."""

    design: Design
    template: str
    own_templates: str
    """The folder of the user's own templates; empty: there are none."""


class Rendered(Struct, frozen=True, kw_only=True):
    """What it answers."""

    files: tuple[GeneratedFile, ...] = ()
    wrong: str = ""
    """Why there are none."""
