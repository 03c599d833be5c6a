"""The models that this daemon lets peers use: which, for whom, how many at once, and how many tokens a day."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from fnmatch import fnmatchcase
from typing import Final

import structlog
from msgspec.structs import replace

from hecate.dossiers.errors import HecateError, Invalid
from hecate.endpoints import CURRENT_CALL, Call, Services
from hecate.join_mesh.errors import MeshDenied
from hecate.join_mesh.mesh_store import MeshStore, today, tokens_used, use_tokens
from hecate.join_mesh.network.chat_pieces import encoded_batch, encoded_models, request_in
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.settings import MeshSettings
from hecate.serve_llm.errors import ModelNotFound, ProviderLimited
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.pieces import Finish, Piece, ReasoningPiece, TextPiece
from hecate.serve_llm.providers.provider import Model

LIST: Final = "models"
CHAT: Final = "chat"
CHARACTERS_A_TOKEN: Final = 4
"""By which an answer is counted that was broken off before its model had told."""

log = structlog.get_logger(__name__)


class SharedModels:
    """Answers peers.

    Args:
        node: The mesh.
        gateway: Whose models they are.
        store: Remembers who has used how many tokens today.
    """

    def __init__(self, node: Node, gateway: Gateway, store: MeshStore) -> None:
        self._node = node
        self._settings: MeshSettings = node.settings
        self._gateway = gateway
        self._store = store
        self._running = 0
        node.calls.answers[LIST] = self._list
        node.calls.streams[CHAT] = self._chat

    async def _list(self, peer: Peer, _body: bytes) -> bytes:
        models: tuple[Model, ...] = ()
        if self._may(peer):
            # Those of guests are theirs to share.
            own = set(self._gateway.configured)
            found = [model for model in await self._gateway.models() if model.provider in own]
            models = tuple(replace(model, also=()) for model in found if self._is_shared(model.id))
        return encoded_models(models)

    async def _chat(self, peer: Peer, body: bytes) -> AsyncGenerator[bytes, None]:
        if not self._may(peer):
            raise MeshDenied("no models are shared with this daemon")
        request = request_in(body)
        await self._check(peer, request)
        # The account at home is kept for whoever asks there: what a peer says of ventures means nothing here.
        request = replace(request, venture_id=None, division_id=None)
        CURRENT_CALL.set(_call_of(peer, request))
        self._running += 1
        characters = 0
        tokens: int | None = None
        try:
            async with aclosing(self._gateway.chat(request)) as batches:
                async for batch in batches:
                    characters += _characters(batch)
                    if isinstance(last := batch[-1], Finish):
                        tokens = last.usage.total_tokens
                    if piece := encoded_batch(batch):
                        yield piece
        finally:
            self._running -= 1
            await self._count(peer, tokens or characters // CHARACTERS_A_TOKEN)

    def _may(self, peer: Peer) -> bool:
        allowed = self._settings.share_models_with
        return bool(self._settings.share_models) and (not allowed or peer.did in allowed or peer.name in allowed)

    def _is_shared(self, model_id: str) -> bool:
        return any(fnmatchcase(model_id, pattern) for pattern in self._settings.share_models)

    async def _check(self, peer: Peer, request: ChatRequest) -> None:
        """Let pass what *peer* may ask now.

        Raises:
            ModelNotFound: The model is not shared.
            ProviderLimited: A limit is reached.
            Invalid: The request has what only its own provider could judge.
        """
        provider, _, name = request.model.partition("/")
        if not name or provider not in self._gateway.configured or not self._is_shared(request.model):
            raise ModelNotFound(f"{self._node.name} shares no model {request.model!r}")
        if request.extra:
            # It would win over what was checked here, the model's name included.
            raise Invalid("`extra` is not taken from peers")
        if self._running >= self._settings.models_at_once:
            self._node.refusals.count("limit", peer.did, "too many chats of peers at once")
            raise ProviderLimited(f"{self._node.name} has {self._running} chats of peers running, and takes no more")
        most = self._settings.tokens_a_day
        if most and await self._store.run(lambda db: tokens_used(db, peer.did, today())) >= most:
            self._node.refusals.count("limit", peer.did, "its tokens of the day are used up")
            raise ProviderLimited(
                f"the {most} tokens that {self._node.name} gives to a peer in a day are used up",
                retry_after_seconds=3600,
            )

    async def _count(self, peer: Peer, tokens: int) -> None:
        try:
            await self._store.run(lambda db: use_tokens(db, peer.did, today(), tokens))
        except HecateError as exc:
            log.warning("mesh cannot count tokens", peer=peer.did, error=str(exc))


def _characters(batch: list[Piece]) -> int:
    return sum(len(piece.text) for piece in batch if isinstance(piece, (TextPiece, ReasoningPiece)))


def _call_of(peer: Peer, request: ChatRequest) -> Call:
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
