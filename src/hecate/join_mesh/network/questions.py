"""What two daemons say to each other, on the wire: questions, and their answers piece by piece, each inside a seal."""

from __future__ import annotations

from typing import Final

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.join_mesh.errors import MeshDenied, NoResponder, PeerFailed


class Request(msgspec.Struct, frozen=True, array_like=True):
    """What is asked, inside its seal."""

    id: bytes
    method: str
    body: bytes


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """What goes over the wire: who asks, and what nobody else can read."""

    did: str
    session: str
    epoch: int
    sealed: bytes


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A piece of an answer, inside its seal."""

    number: int
    """From 0, without a gap."""
    is_last: bool
    body: bytes = b""
    code: str = ""
    """Of the error that has ended the answer."""
    status: int = 0
    error: str = ""
    retry_after_seconds: int = 0
    """How long whoever has answered wants not to be asked again; 0: it does not say."""


class Told(Exception):
    """The error with which a peer has answered.

    Args:
        peer: The peer's name.
        piece: With code, status and message.
    """

    def __init__(self, peer: str, piece: Piece) -> None:
        super().__init__(piece.error)
        self.peer, self.code, self.status = peer, piece.code, piece.status
        self.retry_after_seconds = piece.retry_after_seconds or None

    def as_error(self) -> HecateError:
        """Return the error for a caller of our own."""
        if self.code == MeshDenied.code:
            return MeshDenied(f"{self.peer} refuses: {self}")
        if self.code == NoResponder.code:
            return NoResponder(f"{self.peer}: {self}")
        return PeerFailed(f"{self.peer} has answered with an error: {self}", peer_code=self.code)


encode: Final = msgspec.msgpack.Encoder().encode
read_envelope: Final = msgspec.msgpack.Decoder(Envelope).decode
read_request: Final = msgspec.msgpack.Decoder(Request).decode
read_piece: Final = msgspec.msgpack.Decoder(Piece).decode
