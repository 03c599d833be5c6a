"""The models that this daemon lets peers use: which, for whom, how many at once, and how many tokens a day."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import structlog
from msgspec.structs import replace

from hecate.dossiers.errors import HecateError, Invalid
from hecate.endpoints import CURRENT_CALL, Call, Services
from hecate.join_mesh.errors import MeshDenied
from hecate.join_mesh.mesh_store import MeshStore, today, tokens_used, use_tokens
from hecate.join_mesh.network import embedding_pieces
from hecate.join_mesh.network.chat_pieces import encoded_batch, encoded_models, request_in
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.serve_llm.embeddings import EmbeddingRequest
from hecate.serve_llm.errors import ModelNotFound, ProviderLimited
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.pieces import Finish, Piece, ReasoningPiece, TextPiece
from hecate.serve_llm.providers.provider import Model

LIST: Final = "models"
CHAT: Final = "chat"
EMBED: Final = "embed"
COUNT: Final = "count_tokens"
CHARACTERS_A_TOKEN: Final = 4
"""By which an answer is counted that was broken off before its model had told."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Spent:
    """What a call of a peer has cost so far."""

    tokens: int = 0
    """As the model tells."""
    characters: int = 0
    """By which it is counted where the model has not told."""


class SharedModels:
    """Answers peers.

    Args:
        node: The mesh.
        gateway: Whose models they are.
        store: Remembers who has used how many tokens today.
    """

    def __init__(self, node: Node, gateway: Gateway, store: MeshStore) -> None:
        self._node = node
        self._gateway = gateway
        self._store = store
        self._running = 0
        node.calls.answers[LIST] = self._list
        node.calls.answers[COUNT] = self._tokens_of
        node.calls.streams[CHAT] = self._chat
        node.calls.streams[EMBED] = self._embed

    async def _list(self, peer: Peer, _body: bytes) -> bytes:
        models: tuple[Model, ...] = ()
        if self._may(peer):
            # Those of guests are theirs to share.
            own = set(self._gateway.configured)
            found = [model for model in await self._gateway.models() if model.provider in own]
            models = tuple(replace(model, also=()) for model in found if self._is_shared(model.id))
        return encoded_models(models)

    async def _chat(self, peer: Peer, body: bytes) -> AsyncGenerator[bytes, None]:
        request = request_in(body)
        async with self._taken(peer, request) as spent:
            # The account at home is kept for whoever asks there: what a peer says of ventures means nothing here.
            request = replace(request, venture_id=None, division_id=None)
            async with aclosing(self._gateway.chat(request)) as batches:
                async for batch in batches:
                    spent.characters += _characters(batch)
                    if isinstance(last := batch[-1], Finish):
                        spent.tokens = last.usage.total_tokens
                    if piece := encoded_batch(batch):
                        yield piece

    async def _tokens_of(self, peer: Peer, body: bytes) -> bytes:
        """Answer how many tokens a chat would be; that uses up none, but may keep somebody else busy."""
        request = request_in(body)
        await self._check(peer, request.model, request.extra)
        return str(await self._gateway.count_tokens(request)).encode()

    async def _embed(self, peer: Peer, body: bytes) -> AsyncGenerator[bytes, None]:
        request = embedding_pieces.request_in(body)
        async with self._taken(peer, request) as spent:
            spent.characters = sum(map(len, request.inputs))
            embeddings = await self._gateway.embed(request)
            spent.tokens = embeddings.prompt_tokens
        for piece in embedding_pieces.pieces_of(embeddings):
            yield piece

    @asynccontextmanager
    async def _taken(self, peer: Peer, request: ChatRequest | EmbeddingRequest) -> AsyncIterator[Spent]:
        """Let *request* of *peer* be answered meanwhile, if it may be, and keep account of it.

        Raises:
            MeshDenied, ModelNotFound, ProviderLimited, Invalid: It may not be.
        """
        await self._check(peer, request.model, request.extra)
        # Nothing may come between the check and this, or more would run at once.
        self._running += 1
        CURRENT_CALL.set(_call_of(peer, request))
        spent = Spent()
        try:
            yield spent
        finally:
            self._running -= 1
            await self._count(peer, spent.tokens or spent.characters // CHARACTERS_A_TOKEN)

    def _may(self, peer: Peer) -> bool:
        allowed = self._node.settings.share_models_with
        return bool(self._node.settings.share_models) and (not allowed or peer.did in allowed or peer.name in allowed)

    def _is_shared(self, model_id: str) -> bool:
        return any(fnmatchcase(model_id, pattern) for pattern in self._node.settings.share_models)

    async def _check(self, peer: Peer, model: str, extra: Mapping[str, Any]) -> None:
        """Let pass what *peer* may ask now.

        Raises:
            MeshDenied: It may ask nothing.
            ModelNotFound: The model is not shared.
            ProviderLimited: A limit is reached.
            Invalid: The request has what only its own provider could judge.
        """
        if not self._may(peer):
            raise MeshDenied("no models are shared with this daemon")
        provider, _, name = model.partition("/")
        if not name or provider not in self._gateway.configured or not self._is_shared(model):
            raise ModelNotFound(f"{self._node.name} shares no model {model!r}")
        if extra:
            # It would win over what was checked here, the model's name included.
            raise Invalid("`extra` is not taken from peers")
        most = self._node.settings.tokens_a_day
        if most and await self._store.run(lambda db: tokens_used(db, peer.did, today())) >= most:
            self._node.refusals.count("limit", peer.did, "its tokens of the day are used up")
            raise ProviderLimited(
                f"the {most} tokens that {self._node.name} gives to a peer in a day are used up",
                retry_after_seconds=3600,
            )
        if self._running >= self._node.settings.models_at_once:
            self._node.refusals.count("limit", peer.did, "too many chats of peers at once")
            raise ProviderLimited(f"{self._node.name} has {self._running} chats of peers running, and takes no more")

    async def _count(self, peer: Peer, tokens: int) -> None:
        try:
            await self._store.run(lambda db: use_tokens(db, peer.did, today(), tokens))
        except HecateError as exc:
            log.warning("mesh cannot count tokens", peer=peer.did, error=str(exc))


def _characters(batch: list[Piece]) -> int:
    return sum(len(piece.text) for piece in batch if isinstance(piece, (TextPiece, ReasoningPiece)))


def _call_of(peer: Peer, request: ChatRequest | EmbeddingRequest) -> Call:
    """Return the call that the ledger keeps account of: a peer's, and nobody's on this machine."""
    return Call(
        path={},
        query=None,
        body=request,
        raw_body=b"",
        headers={},
        peer=None,
        request_id=f"mesh-{peer.name}-{os.urandom(6).hex()}",
        services=Services(),
    )
