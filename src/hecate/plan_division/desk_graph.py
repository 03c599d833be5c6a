"""Query: the planned desks of a division and what they need, as a graph.

GET /api/divisions/{division_id}/graph?format=json|mermaid|dot

An arrow leads from a desk to one that it needs, which is built first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from hecate.dossiers.engine import Engine
from hecate.dossiers.process import DIVISION
from hecate.endpoints import Answer, Call, Raw, Route
from hecate.plan_division import PROCESS
from hecate.plan_division.inventory_desk import DeskInventoried
from hecate.plan_division.plan_dependency import DependencyPlanned
from hecate.plan_division.sequence_desks import DesksSequenced

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.dossier import Dossier

MERMAID = "text/vnd.mermaid"
GRAPHVIZ = "text/vnd.graphviz"

_MERMAID_SHAPES = {"command": ("[", "]"), "projection": ("[(", ")]"), "query": ("([", "])")}
_GRAPHVIZ_SHAPES = {"command": "box", "projection": "cylinder", "query": "ellipse"}


class GraphQuery(msgspec.Struct, frozen=True):
    """In which form."""

    format: Literal["json", "mermaid", "dot"] = "json"
    """``mermaid`` and ``dot`` (Graphviz) are text, to be drawn."""


class DeskNode(msgspec.Struct, frozen=True):
    """A planned desk."""

    desk_id: str
    desk_name: str
    desk_type: str
    aggregate_name: str
    priority: str
    sprint_number: int | None
    """Of the last sequence that the desk is in; null: none."""
    place: int | None
    """In that sequence, from 1."""


class NeedEdge(msgspec.Struct, frozen=True):
    """One desk needs another."""

    from_desk_id: str
    """The one that needs."""
    to_desk_id: str
    """The one that is needed, and so is built first."""
    from_desk: str
    to_desk: str


class DeskGraph(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/divisions/{division_id}/graph``, as JSON."""

    ok: bool
    division_id: str
    nodes: list[DeskNode]
    """In the order in which the desks were planned."""
    edges: list[NeedEdge]


async def show_graph(call: Call) -> Answer | Raw:
    """Show the graph in the form that is asked for."""
    division_id = call.path[DIVISION.parameter]
    engine = call.services.get(Engine)

    def ask(db: apsw.Connection) -> Dossier:
        return engine.rehydrate(db, PROCESS, division_id)

    dossier = await engine.store.read(ask)
    nodes, edges = nodes_of(dossier), edges_of(dossier)
    if call.query.format == "mermaid":
        return Raw(as_mermaid(nodes, edges).encode(), media_type=f"{MERMAID}; charset=utf-8")
    if call.query.format == "dot":
        return Raw(as_dot(nodes, edges).encode(), media_type=f"{GRAPHVIZ}; charset=utf-8")
    content = {"division_id": division_id, "nodes": nodes, "edges": edges}
    return Answer(content, headers={"ETag": f'"{dossier.version}"'})


def nodes_of(dossier: Dossier) -> list[DeskNode]:
    """Return the planned desks, each with its place in the last sequence that names it."""
    places = {
        desk_id: (sequence.sprint_number, place)
        for sequence in dossier.all(DesksSequenced)
        for place, desk_id in enumerate(sequence.desk_ids, 1)
    }
    return [
        DeskNode(
            desk.desk_id,
            desk.desk_name,
            desk.desk_type,
            desk.aggregate_name,
            desk.priority,
            *places.get(desk.desk_id, (None, None)),
        )
        for desk in dossier.all(DeskInventoried)
    ]


def edges_of(dossier: Dossier) -> list[NeedEdge]:
    """Return what needs what, in the order in which it was planned."""
    return [
        NeedEdge(need.from_desk_id, need.to_desk_id, need.from_desk, need.to_desk)
        for need in dossier.all(DependencyPlanned)
    ]


def as_mermaid(nodes: Sequence[DeskNode], edges: Sequence[NeedEdge]) -> str:
    """Return the graph as a Mermaid flowchart; a desk's shape tells its type."""

    def lines() -> Iterator[str]:
        yield "flowchart LR"
        for node in nodes:
            opening, closing = _MERMAID_SHAPES.get(node.desk_type, ("[", "]"))
            yield f'    {names[node.desk_id]}{opening}"{_in_mermaid(node.desk_name)} ({node.priority})"{closing}'
        for edge in edges:
            yield f"    {names[edge.from_desk_id]} --> {names[edge.to_desk_id]}"

    # Not the desk's own name, which may be a word of Mermaid's, such as "end".
    names = {node.desk_id: f"d{number}" for number, node in enumerate(nodes, 1)}
    return "".join(f"{line}\n" for line in lines())


def as_dot(nodes: Sequence[DeskNode], edges: Sequence[NeedEdge]) -> str:
    """Return the graph in Graphviz's language; a desk's shape tells its type."""

    def lines() -> Iterator[str]:
        yield "digraph plan {"
        yield "    rankdir=LR;"
        for node in nodes:
            shape = _GRAPHVIZ_SHAPES.get(node.desk_type, "box")
            label = _in_dot(f"{node.desk_name} ({node.priority})")
            yield f"    {_in_dot(node.desk_id)} [label={label}, shape={shape}];"
        for edge in edges:
            yield f"    {_in_dot(edge.from_desk_id)} -> {_in_dot(edge.to_desk_id)};"
        yield "}"

    return "".join(f"{line}\n" for line in lines())


def _in_mermaid(text: str) -> str:
    """Return *text* for between quotes: what may mean something in Mermaid, markdown or HTML becomes a number."""
    return "".join(one if one.isalnum() or one in " _" else f"#{ord(one)};" for one in text)


def _in_dot(text: str) -> str:
    r"""Return *text* in quotes; a backslash stands for itself, not for an escape such as ``\N``."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}/graph",
        call=show_graph,
        summary="Show the planned desks of a division and their dependencies as a graph.",
        query=GraphQuery,
        answer=DeskGraph,
        media_types=("application/json", MERMAID, GRAPHVIZ),
        errors=(404,),
        tag="plan_division",
    ),
)
