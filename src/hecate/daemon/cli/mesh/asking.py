"""The daemon's endpoints of the mesh, as questions, and what the commands read of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from hecate.client.question import Question, decoded

T = TypeVar("T")


class Status(msgspec.Struct, frozen=True):
    """How the mesh is."""

    state: str
    realm: str | None = None
    identity: str | None = None
    name: str | None = None
    fingerprint: str | None = None
    is_keeper: bool = False
    peers: int = 0
    addresses: tuple[str, ...] = ()
    refused: Mapping[str, int] = {}
    error: str = ""

    def shown(self) -> dict[str, object]:
        """Return what people are shown."""
        return {
            "state": self.state,
            "realm": self.realm,
            "name": self.name,
            "identity": self.identity,
            "keeper": "yes" if self.is_keeper else None,
            "peers": self.peers,
            "addresses": " ".join(self.addresses),
            "fingerprint": self.fingerprint,
            "refused": ", ".join(f"{kind} {count}" for kind, count in self.refused.items()),
            "error": self.error,
        }


class Invitation(msgspec.Struct, frozen=True):
    """A word that lets another daemon in, once."""

    invitation: str
    realm: str
    places: tuple[str, ...]
    expires_at: str


class Peer(msgspec.Struct, frozen=True):
    """Another daemon."""

    identity: str
    name: str
    present: bool
    version: str | None = None
    connection: str | None = None
    protocol: str | None = None
    last_seen: str = ""
    round_trip_ms: float | None = None
    capabilities: tuple[str, ...] = ()
    shares_models: bool = False


class PeerList(msgspec.Struct, frozen=True):
    """The other daemons."""

    peers: tuple[Peer, ...]


class Revoked(msgspec.Struct, frozen=True):
    """Who is shut out."""

    revoked: str


def asked(path: str, kind: type[T]) -> Question[T]:
    """Return the question that GETs *path*."""
    return Question("GET", path, lambda body: decoded(body, kind))


def told(path: str, fields: Mapping[str, Any], kind: type[T]) -> Question[T]:
    """Return the question that POSTs *fields* to *path*; it may take as long as another machine takes."""
    headers = {"Content-Type": "application/json"}
    return Question("POST", path, lambda body: decoded(body, kind), msgspec.json.encode(fields), headers, patient=True)
