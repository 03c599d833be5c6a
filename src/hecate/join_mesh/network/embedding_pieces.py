"""Embeddings as they go from peer to peer: the request, and the vectors in pieces, each of some texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.join_mesh.errors import PeerFailed
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings

NUMBERS_A_PIECE: Final = 32_768
"""Of 9 bytes each."""


class EmbeddingPiece(msgspec.Struct, frozen=True, array_like=True):
    """The next vectors."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int = 0
    """Of all of them; said with the first."""


_encode: Final = msgspec.msgpack.Encoder().encode
_read_request: Final = msgspec.msgpack.Decoder(EmbeddingRequest).decode
_read_piece: Final = msgspec.msgpack.Decoder(EmbeddingPiece).decode


def encoded_request(request: EmbeddingRequest) -> bytes:
    """Return *request* as it is sent to a peer."""
    return _encode(request)


def request_in(body: bytes) -> EmbeddingRequest:
    """Return the request that a peer has sent.

    Raises:
        Invalid: It is none.
    """
    try:
        return _read_request(body)
    except msgspec.DecodeError as exc:
        raise Invalid(f"this asks for no embeddings: {exc}") from exc


def pieces_of(embeddings: Embeddings) -> Iterator[bytes]:
    """Give *embeddings* in pieces as they are sent to a peer, at least one."""
    vectors = embeddings.vectors
    step = max(1, NUMBERS_A_PIECE // max((len(vector) for vector in vectors), default=1))
    yield _encode(EmbeddingPiece(vectors[:step], embeddings.prompt_tokens))
    for start in range(step, len(vectors), step):
        yield _encode(EmbeddingPiece(vectors[start : start + step]))


def piece_in(body: bytes) -> EmbeddingPiece:
    """Return the piece that a peer has sent.

    Raises:
        PeerFailed: It cannot be read.
    """
    try:
        return _read_piece(body)
    except msgspec.DecodeError as exc:
        raise PeerFailed(f"a peer's embeddings cannot be read: {exc}") from exc
