"""What this daemon has decided for itself about the mesh, as events: its own stream in the event log, ``mesh``.

They are recorded whether the mesh is on or off.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hecate.dossiers.messages import Event, stored_name

STREAM: Final = "mesh"


class CapabilityAnnounced(Event, frozen=True):
    """A program on this machine can do something for peers; a later one of the same ``mri`` replaces it."""

    mri: str
    """The name by which it is called: ``mri:capability:io.example/summarize``."""
    agent_identity: str
    tags: tuple[str, ...]
    description: str
    demo_procedure: str
    metadata: dict[str, Any]
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    serve_at: str
    """Where calls go: a URL of this machine; empty: it is only told of."""


class CapabilityWithdrawn(Event, frozen=True):
    """A capability is no more."""

    mri: str


class GrantMade(Event, frozen=True):
    """A token was signed that lets a peer call a capability."""

    token_id: str
    audience: str
    """The peer's identity."""
    mri: str
    """The capability, or ``*`` for all."""
    expires_at: int
    """Milliseconds since 1970, UTC."""
    delegable: bool


class GrantRevoked(Event, frozen=True):
    """A token holds no more, nor what was delegated from it."""

    token_id: str


class VentureShared(Event, frozen=True):
    """The facts of a venture are published to the realm; of the types named, or of all."""

    venture_id: str
    types: tuple[str, ...]


class VentureUnshared(Event, frozen=True):
    """Further facts of a venture are not published."""

    venture_id: str


KINDS: Final[tuple[type[Event], ...]] = (
    CapabilityAnnounced,
    CapabilityWithdrawn,
    GrantMade,
    GrantRevoked,
    VentureShared,
    VentureUnshared,
)
NAMES: Final = {kind: stored_name(kind) for kind in KINDS}
_DECODERS: Final = {stored_name(kind): msgspec.json.Decoder(kind).decode for kind in KINDS}
_encode: Final = msgspec.json.Encoder().encode


def encoded(event: Event) -> str:
    """Return *event*'s fields as they are stored."""
    return _encode(event).decode()


def decoded(name: str, data: str) -> Event:
    """Return the event stored under *name*.

    Raises:
        KeyError: There is no such event of the mesh.
    """
    return _DECODERS[name](data)
