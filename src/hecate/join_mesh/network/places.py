"""Where other daemons may be: as they have said, as the configuration says, and where the one was that has invited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hecate.join_mesh.mesh_store import KnownPeer
from hecate.join_mesh.network.realm import Realm
from hecate.join_mesh.settings import MeshSettings

MOST_KNOWN: Final = 64
"""Of the daemons that were seen last, so many are looked for."""


def all_places(realm: Realm, settings: MeshSettings, known: Sequence[KnownPeer]) -> tuple[str, ...]:
    """Return every address at which somebody of *realm* may be, each once."""
    addresses = (address for peer in known[:MOST_KNOWN] for address in peer.addresses.split())
    return tuple(dict.fromkeys((*settings.connect, *realm.addresses, *addresses)))


def usual_places(realm: Realm, settings: MeshSettings, known: Sequence[KnownPeer]) -> tuple[str, ...]:
    """Return the addresses to connect to at first: over TLS, where a daemon has that, since zenoh tries all at once."""
    of_peers = (over_tls(peer.addresses.split()) for peer in known[:MOST_KNOWN])
    groups = (settings.connect, over_tls(realm.addresses), *of_peers)
    return tuple(dict.fromkeys(address for group in groups for address in group))


def over_tls(addresses: Iterable[str]) -> Sequence[str]:
    """Return those of one daemon's *addresses* that are of TLS, or all where none is."""
    every = tuple(addresses)
    return tuple(address for address in every if address.startswith("tls/")) or every
