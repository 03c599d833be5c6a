"""Let a peer call a capability: a signed token, which can be passed on and revoked.

POST /api/mesh/tokens
{"peer": "laptop", "mri": "mri:capability:io.example/summarize"}

GET /api/mesh/tokens
DELETE /api/mesh/tokens/{token_id}
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.dossiers.messages import Name
from hecate.dossiers.times import rfc3339
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.announce_capability import meta_of
from hecate.join_mesh.leave_realm import identity_of
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.mesh_events import GrantMade, GrantRevoked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hecate.dossiers.messages import Event
    from hecate.join_mesh.mesh_log import Decisions

LONGEST_SECONDS = 366 * 86_400


class GrantCapability(msgspec.Struct, frozen=True):
    """Ask for a token."""

    peer: Name
    """Who is given it: a name or an identity."""
    mri: Name = "*"
    """The capability that it may call; ``*`` for all."""
    expires_in_seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SECONDS)] = 30 * 86_400
    delegable: bool = False
    """Whether the peer may pass it on."""
    token: Annotated[str, msgspec.Meta(max_length=16 * 1024)] = ""
    """Another daemon's token, to pass on what it gives; empty: for capabilities of this daemon."""


class GrantView(msgspec.Struct, kw_only=True):
    """A token as answers show it; the token itself is shown only when it is made."""

    token_id: str
    peer: str
    """The identity that it was given to."""
    mri: str
    expires_at: str
    delegable: bool
    revoked: bool


class Granted(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/mesh/tokens``."""

    ok: bool
    token: str
    token_id: str
    peer: str
    mri: str
    expires_at: str
    delegable: bool


class Grants(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/mesh/tokens``."""

    ok: bool
    tokens: list[GrantView]


class GrantIsRevoked(msgspec.Struct, kw_only=True):
    """The answer to ``DELETE /api/mesh/tokens/{token_id}``."""

    ok: bool
    revoked: str


async def grant(call: Call) -> Answer:
    """Sign a token."""
    mesh = call.services.get(Mesh)
    member = mesh.up()
    from hecate.join_mesh.network.capability_tokens import Claims, issued, read  # noqa: PLC0415 - may be missing

    body: GrantCapability = call.body
    audience = await identity_of(member, body.peer)
    if body.token and read(body.token).aud != member.node.did:
        raise Invalid("this token was not given to this daemon, so it cannot pass it on")
    now = int(time.time())
    claims = Claims(
        iss=member.node.did,
        aud=audience,
        iat=now,
        exp=now + body.expires_in_seconds,
        jti=os.urandom(12).hex(),
        mri=body.mri,
        delegable=body.delegable,
        proof=body.token,
    )
    made = GrantMade(claims.jti, audience, body.mri, claims.exp * 1000, body.delegable)
    await mesh.log.record(lambda _: [made], meta_of(call))
    return Answer(
        {
            "token": issued(member.node.realm.identity, claims),
            "token_id": claims.jti,
            "peer": audience,
            "mri": body.mri,
            "expires_at": rfc3339(made.expires_at),
            "delegable": body.delegable,
        },
        status=201,
    )


async def list_grants(call: Call) -> Mapping[str, Any]:
    """List the tokens that this daemon has signed, the oldest first."""
    decisions = await call.services.get(Mesh).log.decisions()
    return {
        "tokens": [
            GrantView(
                token_id=made.token_id,
                peer=made.audience,
                mri=made.mri,
                expires_at=rfc3339(made.expires_at),
                delegable=made.delegable,
                revoked=made.token_id in decisions.revoked_grants,
            )
            for made in decisions.grants.values()
        ]
    }


async def revoke_grant(call: Call) -> Mapping[str, Any]:
    """Let a token hold no more, also one that somebody has made of a token of this daemon, and what follows from it."""
    token_id = call.path["token_id"]

    def decide(decisions: Decisions) -> Sequence[Event]:
        return [] if token_id in decisions.revoked_grants else [GrantRevoked(token_id)]

    await call.services.get(Mesh).log.record(decide, meta_of(call))
    return {"revoked": token_id}


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/tokens",
        call=grant,
        summary="Let a peer call a capability.",
        body=GrantCapability,
        answer=Granted,
        status=201,
        errors=(400, 404, 409, 503),
        example={"peer": "laptop", "mri": "mri:capability:io.example/summarize"},
        tag="mesh",
    ),
    Route(
        method="GET",
        path="/api/mesh/tokens",
        call=list_grants,
        summary="List the tokens that were given to peers.",
        answer=Grants,
        tag="mesh",
    ),
    Route(
        method="DELETE",
        path="/api/mesh/tokens/{token_id}",
        call=revoke_grant,
        summary="Revoke a token.",
        answer=GrantIsRevoked,
        tag="mesh",
    ),
)
