"""The table ``[mesh]`` of the configuration file, and where the data directory keeps what belongs to it."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

Lease = Annotated[float, Meta(ge=0.5, le=60)]
Host = Annotated[str, Meta(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)$")]
Address = Annotated[str, Meta(pattern=r"^(tls|quic)/\S+:\d+$")]

FOLDER: Final = "mesh"
"""In the data directory: the identity and the realm."""
REALM_FILE: Final = "realm.json"
"""In `FOLDER`; there is one where this daemon is in a realm."""

OF_SHARING = ("share_models", "share_models_with", "models_at_once", "tokens_a_day", "kept_facts_mb")
USUAL_LISTENERS = ("tls/0.0.0.0:7447", "quic/0.0.0.0:7447")


class MeshSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[mesh]``: whether this daemon takes part in the mesh that it has founded or joined, and with what."""

    enabled: bool = True
    """False: it stays away, whatever it has joined.  True does nothing before ``hecate mesh init`` or ``join``."""
    name: str = ""
    """What people call this daemon, unique in the mesh; empty: the host's name."""
    listen: tuple[Address, ...] = ()
    """Where peers connect; empty: `USUAL_LISTENERS`."""
    advertise: tuple[Host, ...] = ()
    """Hosts or addresses under which peers reach this machine; empty: those of its interfaces."""
    connect: tuple[Address, ...] = ()
    """Peers to connect to besides those that are known already."""
    invite_port: Annotated[int, Meta(ge=0, le=65535)] = 7448
    """Where those with an invitation are let in; open only while there is an invitation.  0: any free one."""
    multicast: bool = False
    """Whether daemons of the realm on the same network find each other without an address."""
    lease_seconds: Lease = 2.0
    """After how long without a sign a peer counts as gone."""
    share_models: tuple[str, ...] = ()
    """The models that peers may use, as patterns of ``provider/name`` such as ``ollama/*``."""
    share_models_with: tuple[str, ...] = ()
    """Which peers may, by identity or name; empty: all of the realm."""
    models_at_once: Annotated[int, Meta(ge=1)] = 4
    """How many chats of peers run at once; further ones are refused."""
    tokens_a_day: Annotated[int, Meta(ge=0)] = 0
    """How many tokens each peer may use in a day, UTC; 0: any number."""
    kept_facts_mb: Annotated[int, Meta(ge=0)] = 256
    """How much is kept of the facts that each peer shares, in millions of bytes; 0: nothing."""

    def same_session(self, other: MeshSettings) -> bool:
        """Tell whether a session with *other* can go on with these: all that differs is what is shared with whom."""
        return replace(other, **{name: getattr(self, name) for name in OF_SHARING}) == self

    @property
    def listeners(self) -> tuple[str, ...]:
        """Where peers connect."""
        return self.listen or USUAL_LISTENERS
