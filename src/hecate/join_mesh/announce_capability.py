"""Advertise a capability to the mesh, or withdraw it.

    POST /api/mesh/capabilities
    {"mri": "mri:capability:io.example/summarize", "description": "Summarizes a text", "tags": ["text"]}

    DELETE /api/mesh/capabilities?mri=mri:capability:io.example/summarize

It is recorded in the event log whether the mesh is on or off, and advertised whenever it is on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from yarl import URL

from hecate.dossiers.errors import Invalid, NotFound, Refused
from hecate.dossiers.messages import OptionalName, Text
from hecate.dossiers.read_model import Actor, Meta
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_events import NAMES, CapabilityAnnounced, CapabilityWithdrawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.messages import Event
    from hecate.join_mesh.mesh_log import Decisions

MOST_CAPABILITIES = 200
LONGEST_CAPABILITY_BYTES = 16 * 1024
"""Of the JSON of one: all of them travel in one card."""
THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})

Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class AnnounceCapability(msgspec.Struct, frozen=True):
    """Something that this machine can do for peers."""

    mri: OptionalName = ""
    """The name by which it is called, such as ``mri:capability:io.example/summarize``."""
    capability_mri: OptionalName = ""
    """The same, as clients of the original daemon call it."""
    agent_identity: OptionalName = ""
    tags: Annotated[tuple[Tag, ...], msgspec.Meta(max_length=50)] = ()
    description: Text = ""
    demo_procedure: OptionalName = ""
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    input_schema: dict[str, Any] = msgspec.field(default_factory=dict)
    output_schema: dict[str, Any] = msgspec.field(default_factory=dict)
    serve_at: OptionalName = ""
    """Where calls go: an ``http`` URL of this machine, which gets the input as a POST of JSON and answers with JSON.
    Empty: the capability is only told of."""


class WithdrawQuery(msgspec.Struct, frozen=True):
    """Which capability."""

    mri: str = ""


class Announced(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/mesh/capabilities``, and to its withdrawal."""

    ok: bool
    mri: str
    capability_mri: str
    advertised: bool
    """Whether peers see the change now; false while the mesh is off."""
    state: str
    """``advertised``, ``pending`` until the mesh is on, or ``withdrawn``."""
    peers: int
    """How many peers there are to see it."""
    events: list[dict[str, Any]]
    """What was recorded; nothing where it was so already."""
    version: int
    """Of the daemon's own stream of the mesh."""


async def announce(call: Call) -> Answer:
    """Advertise a capability; the same again adds nothing, another of the same name replaces it."""
    body: AnnounceCapability = call.body
    mri = body.mri or body.capability_mri
    if not mri or (body.mri and body.capability_mri and body.mri != body.capability_mri):
        raise Invalid("a capability needs one `mri`")
    _check_address(body.serve_at)
    fields = {name: value for name, value in msgspec.structs.asdict(body).items() if name != "capability_mri"}
    capability = CapabilityAnnounced(**{**fields, "mri": mri})
    if len(msgspec.json.encode(capability)) > LONGEST_CAPABILITY_BYTES:
        raise Invalid(f"a capability has at most {LONGEST_CAPABILITY_BYTES} bytes, schemas and all")

    def decide(decisions: Decisions) -> Sequence[Event]:
        known = decisions.capabilities.get(mri)
        if known is None and len(decisions.capabilities) >= MOST_CAPABILITIES:
            raise Refused(f"there are {MOST_CAPABILITIES} capabilities already; withdraw one first")
        return [] if known is not None and known[0] == capability else [capability]

    return Answer(await _recorded(call, mri, decide), status=201)


async def withdraw(call: Call) -> Mapping[str, Any]:
    """Withdraw a capability."""
    mri = call.query.mri
    if not mri:
        raise Invalid("say which capability: ?mri=…")

    def decide(decisions: Decisions) -> Sequence[Event]:
        if mri not in decisions.capabilities:
            raise NotFound(f"this daemon has no capability {mri!r}")
        return [CapabilityWithdrawn(mri)]

    return {**await _recorded(call, mri, decide), "state": "withdrawn"}


def meta_of(call: Call) -> Meta:
    """Return who asks, as it is kept beside an event."""
    actor = Actor() if call.peer is None else Actor(uid=call.peer.uid, pid=call.peer.pid)
    return Meta(correlation_id=call.request_id, causation_id=call.request_id, actor=actor)


async def _recorded(call: Call, mri: str, decide: Any) -> dict[str, Any]:
    mesh = call.services.get(Mesh)
    events = await mesh.log.record(decide, meta_of(call))
    member = mesh.member
    if member is not None and events:
        member.node.card_changed()
    return {
        "mri": mri,
        "capability_mri": mri,
        "advertised": member is not None,
        "state": "advertised" if member is not None else "pending",
        "peers": 0 if member is None else len(member.node.peers.present),
        "events": [{"type": NAMES[type(event)], "data": event} for event in events],
        "version": (await mesh.log.decisions()).version,
    }


def _check_address(serve_at: str) -> None:
    if not serve_at:
        return
    try:
        url = URL(serve_at)
    except ValueError as exc:
        raise Invalid(f"`serve_at` is no URL: {exc}") from exc
    if url.scheme != "http" or url.host not in THIS_MACHINE:
        raise Invalid(
            f"`serve_at` must be an http URL of this machine, such as http://127.0.0.1:9000/, not {serve_at!r}"
        )


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/capabilities",
        call=announce,
        summary="Advertise a capability to the mesh.",
        body=AnnounceCapability,
        answer=Announced,
        status=201,
        errors=(400, 409),
        example={
            "mri": "mri:capability:io.example/summarize",
            "description": "Summarizes a text",
            "tags": ["text"],
        },
        tag="mesh",
    ),
    Route(
        method="DELETE",
        path="/api/mesh/capabilities",
        call=withdraw,
        summary="Withdraw a capability.",
        query=WithdrawQuery,
        answer=Announced,
        errors=(400, 404),
        tag="mesh",
    ),
)
