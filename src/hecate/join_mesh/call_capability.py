"""Call a capability of a peer.

POST /api/mesh/call
{"mri": "mri:capability:io.example/summarize", "input": {"text": "…"}, "token": "…"}
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.dossiers.messages import Name, OptionalName
from hecate.endpoints import Call, Route
from hecate.join_mesh.errors import PeerFailed
from hecate.join_mesh.mesh import Mesh

if TYPE_CHECKING:
    from collections.abc import Mapping


class CallCapability(msgspec.Struct, frozen=True):
    """What is to be done, by whom, and how long that may take."""

    mri: Name
    input: Any = None
    """Any JSON."""
    peer: OptionalName = ""
    """A name or identity; empty: the nearest that has the capability."""
    token: Annotated[str, msgspec.Meta(max_length=16 * 1024)] = ""
    """What its owner has given for it; without one a call is refused."""
    deadline_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0


class Called(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/mesh/call``."""

    ok: bool
    output: Any
    """What the capability has made of the input."""
    peer: str
    identity: str
    took_ms: float


async def call_capability(call: Call) -> Mapping[str, Any]:
    """Call a capability, and answer with its output; that nobody has it is said at once."""
    body: CallCapability = call.body
    calls = call.services.get(Mesh).up().capability_calls
    began = time.perf_counter()
    peer = calls.offering(body.mri, body.peer)
    output = await calls.call(peer, body.mri, msgspec.json.encode(body.input), body.token, body.deadline_seconds)
    try:
        value = msgspec.json.decode(output)
    except msgspec.DecodeError as exc:
        raise PeerFailed(f"the output of {body.mri!r} at {peer.name} is no JSON") from exc
    return {
        "output": value,
        "peer": peer.name,
        "identity": peer.did,
        "took_ms": round((time.perf_counter() - began) * 1000, 3),
    }


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/call",
        call=call_capability,
        summary="Call a capability of a peer.",
        body=CallCapability,
        answer=Called,
        errors=(400, 403, 404, 409, 502, 503, 504),
        cancel_on_disconnect=True,
        example={"mri": "mri:capability:io.example/summarize", "input": {"text": "A long story."}},
        tag="mesh",
    ),
)
