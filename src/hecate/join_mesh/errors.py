"""What can go wrong in the mesh, as a caller sees it."""

from __future__ import annotations

from hecate.dossiers.errors import HecateError


class MeshOff(HecateError):
    """This daemon is in no mesh, or its mesh is switched off."""

    code = "mesh_off"
    status = 409


class NoResponder(HecateError):
    """Nobody in the mesh answers to that name, or has that capability, now."""

    code = "no_responder"
    status = 404


class MeshDenied(HecateError):
    """A peer does not allow it: there is no token for it, or a limit is reached."""

    code = "mesh_denied"
    status = 403


class PeerFailed(HecateError):
    """A peer has gone before it answered, or answered with an error."""

    code = "peer_error"
    status = 502


class PeerSlow(PeerFailed):
    """A peer has not answered before the deadline."""

    status = 504
