"""Invite another daemon into the realm.

POST /api/mesh/invite
{"expires_in_seconds": 900}
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from hecate.dossiers.times import rfc3339
from hecate.endpoints import Answer, Call, Route
from hecate.join_mesh.mesh import Mesh
from hecate.join_mesh.settings import Host

LONGEST_SECONDS = 7 * 86_400


class InvitePeer(msgspec.Struct, frozen=True):
    """Ask for an invitation."""

    expires_in_seconds: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_SECONDS)] = 900.0
    hosts: Annotated[tuple[Host, ...], msgspec.Meta(max_length=8)] = ()
    """Where the guest reaches this machine; empty: as configured, or as its interfaces say."""


class Invited(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/mesh/invite``."""

    ok: bool
    invitation: str
    """What the guest gives to ``hecate mesh join``; it holds once."""
    realm: str
    places: tuple[str, ...]
    """Where this daemon waits for the guest."""
    fingerprint: str
    expires_at: str


async def invite(call: Call) -> Answer:
    """Make an invitation that holds once, and wait for the guest."""
    body: InvitePeer = call.body
    word, invitation = await call.services.get(Mesh).up().invite(body.expires_in_seconds, body.hosts)
    return Answer(
        {
            "invitation": word,
            "realm": invitation.realm,
            "places": invitation.places,
            "fingerprint": invitation.authority.hex(),
            "expires_at": rfc3339(invitation.expires_at * 1000),
        },
        status=201,
    )


ROUTES = (
    Route(
        method="POST",
        path="/api/mesh/invite",
        call=invite,
        summary="Invite another daemon.",
        body=InvitePeer,
        answer=Invited,
        status=201,
        errors=(400, 409, 503),
        body_may_be_absent=True,
        example={"expires_in_seconds": 900},
        tag="mesh",
    ),
)
