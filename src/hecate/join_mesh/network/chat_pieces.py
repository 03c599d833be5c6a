"""A chat as it goes from peer to peer: the request, and the pieces of the answer, in the gateway's own terms."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import PeerFailed
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.pieces import (
    Finish,
    Piece,
    ReasoningPiece,
    SignaturePiece,
    TextPiece,
    ToolCallDelta,
    ToolCallPiece,
)
from hecate.serve_llm.providers.provider import Model

KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "text": TextPiece,
    "reasoning": ReasoningPiece,
    "tool_delta": ToolCallDelta,
    "tool": ToolCallPiece,
    "signature": SignaturePiece,
    "finish": Finish,
}
_NAMES: Final = {kind: name for name, kind in KINDS.items()}
_DECODERS: Final = {name: msgspec.msgpack.Decoder(kind).decode for name, kind in KINDS.items()}
_encode: Final = msgspec.msgpack.Encoder().encode
_read_batch: Final = msgspec.msgpack.Decoder(list[tuple[str, msgspec.Raw]]).decode
_read_request: Final = msgspec.msgpack.Decoder(ChatRequest).decode
_read_models: Final = msgspec.msgpack.Decoder(tuple[Model, ...]).decode


def encoded_request(request: ChatRequest) -> bytes:
    """Return *request* as it is sent to a peer."""
    return _encode(request)


def request_in(body: bytes) -> ChatRequest:
    """Return the request that a peer has sent.

    Raises:
        Invalid: It is none.
    """
    try:
        return _read_request(body)
    except (msgspec.DecodeError, ValueError) as exc:
        raise Invalid(f"this is no chat: {exc}") from exc


def encoded_batch(batch: list[Piece]) -> bytes:
    """Return *batch* as it is sent to a peer, without what is of this daemon alone; empty where nothing is left."""
    told: list[tuple[str, Any]] = [(_NAMES[type(piece)], piece) for piece in batch if type(piece) in _NAMES]
    return _encode(told) if told else b""


def batch_in(body: bytes) -> list[Piece]:
    """Return the pieces that a peer has sent; kinds that this version does not know are passed over.

    Raises:
        PeerFailed: They cannot be read.
    """
    try:
        told = _read_batch(body)
        return [_DECODERS[name](raw) for name, raw in told if name in _DECODERS]  # type: ignore[misc]
    except msgspec.DecodeError as exc:
        raise PeerFailed(f"a peer's answer cannot be read: {exc}") from exc


def encoded_models(models: tuple[Model, ...]) -> bytes:
    """Return *models* as they are sent to a peer."""
    return _encode(models)


def models_in(body: bytes) -> tuple[Model, ...]:
    """Return the models that a peer offers.

    Raises:
        PeerFailed: They cannot be read.
    """
    try:
        return _read_models(body)
    except msgspec.DecodeError as exc:
        raise PeerFailed(f"a peer's list of models cannot be read: {exc}") from exc
