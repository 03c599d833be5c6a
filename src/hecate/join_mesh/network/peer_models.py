"""A peer's models as a provider of the gateway: ``peer/ollama/llama3.2`` is asked of the peer, through the mesh."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, Final

from msgspec.structs import replace

from hecate.dossiers.errors import HecateError, Invalid
from hecate.endpoints import current_stopwatch
from hecate.join_mesh.errors import MeshDenied, NoResponder, PeerFailed, PeerSlow
from hecate.join_mesh.network import embedding_pieces
from hecate.join_mesh.network.chat_pieces import batch_in, encoded_request, models_in
from hecate.join_mesh.network.node import Node
from hecate.join_mesh.network.peer import Peer
from hecate.join_mesh.network.questions import Told
from hecate.join_mesh.network.shared_models import CHAT, COUNT, EMBED, LIST
from hecate.serve_llm.connections import Connections
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.errors import (
    ModelNotFound,
    ProviderFailed,
    ProviderLimited,
    ProviderRefused,
    ProviderSlow,
)
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import ChatRequest
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.prices import WHAT_COSTS_NOTHING
from hecate.serve_llm.providers.provider import Account, Model
from hecate.serve_llm.settings import Deadlines
from hecate.serve_llm.upstream import Upstream

DIALECT: Final = "mesh"
TOO_MANY_REQUESTS: Final = 429
GATEWAY_TIMEOUT: Final = 504
LONGEST_COUNT: Final = 12
"""Digits."""


class PeerModels:
    """The models of one peer.

    Args:
        node: The mesh.
        peer: Whose models they are; a later session of the same daemon answers, too.
        deadlines: How long the peer may take.
    """

    dialect = DIALECT

    def __init__(self, node: Node, peer: Peer, deadlines: Deadlines) -> None:
        self.name = peer.name
        self.did = peer.did
        # What the peer pays is in its own account.
        account = Account(
            name=peer.name,
            kind=DIALECT,
            base_url=f"{DIALECT}://{peer.did.rpartition(':')[2]}",
            prices=WHAT_COSTS_NOTHING,
            deadlines=deadlines,
        )
        self.upstream = Upstream(account, Connections(), {})
        self._node = node
        self._deadlines = deadlines

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models that the peer shares with this daemon.

        Raises:
            ProviderFailed: It does not answer.
        """
        with self._in_the_gateways_words(""):
            body = await self._node.calls.ask_once(self._peer(), LIST, b"", self._deadlines.list_seconds)
            return tuple(
                replace(model, name=model.id, provider=self.name, id=f"{self.name}/{model.id}")
                for model in models_in(body)
            )

    async def chat(self, request: ChatRequest) -> Batches:
        """Answer *request* through the mesh.

        Raises:
            Invalid: It has an ``extra``, which is for one provider alone.
            ModelNotFound, ProviderFailed: As the peer says, or since it is gone.
        """
        self._refuse_extra(request.extra)
        total_seconds = request.timeout_seconds or self._deadlines.total_seconds
        body = encoded_request(replace(request, timeout_seconds=total_seconds, venture_id=None, division_id=None))
        stopwatch = current_stopwatch()
        silent_seconds = self._deadlines.first_token_seconds
        with self._in_the_gateways_words(request.model):
            async with aclosing(self._node.calls.ask(self._peer(), CHAT, body, total_seconds)) as pieces:
                while True:
                    stopwatch.wait()
                    try:
                        async with asyncio.timeout(silent_seconds):
                            piece = await anext(pieces, None)
                    finally:
                        stopwatch.go_on()
                    if piece is None:
                        return
                    if batch := batch_in(piece):
                        yield batch
                    silent_seconds = self._deadlines.gap_seconds

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens of input *request* is, as the peer's provider says.

        Raises:
            Invalid: The provider does not tell beforehand, or the request has an ``extra``.
            ModelNotFound, ProviderFailed: As the peer says, or since it is gone.
        """
        self._refuse_extra(request.extra)
        with self._in_the_gateways_words(request.model):
            body = encoded_request(replace(request, venture_id=None, division_id=None))
            said = await self._node.calls.ask_once(self._peer(), COUNT, body, self._deadlines.list_seconds)
            if not said.isdigit() or len(said) > LONGEST_COUNT:
                raise PeerFailed(f"{self.name} has answered with no number of tokens")
            return int(said)

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request* from the peer.

        Raises:
            Invalid: It has an ``extra``, or is too long for the mesh.
            ModelNotFound, ProviderFailed: As the peer says, or since it is gone.
        """
        self._refuse_extra(request.extra)
        body = embedding_pieces.encoded_request(request)
        vectors: list[tuple[float, ...]] = []
        tokens = 0
        with self._in_the_gateways_words(request.model):
            stopwatch = current_stopwatch()
            stopwatch.wait()
            try:
                async with aclosing(
                    self._node.calls.ask(self._peer(), EMBED, body, self._deadlines.total_seconds)
                ) as pieces:
                    async for one in pieces:
                        piece = embedding_pieces.piece_in(one)
                        vectors += piece.vectors
                        tokens += piece.prompt_tokens
                        if len(vectors) > len(request.inputs):
                            break
            finally:
                stopwatch.go_on()
            if len(vectors) != len(request.inputs):
                raise PeerFailed(f"{self.name} has answered {len(request.inputs)} texts with {len(vectors)} vectors")
        return Embeddings(self.name, request.model, tuple(vectors), tokens)

    def _refuse_extra(self, extra: Mapping[str, Any]) -> None:
        if extra:
            raise Invalid(f"`extra` cannot be sent to {self.name}: it is for a provider, and this is a peer")

    def _peer(self) -> Peer:
        return self._node.peers.named(self.did)

    @contextmanager
    def _in_the_gateways_words(self, model: str) -> Iterator[None]:
        """Raise what goes wrong in the mesh as what goes wrong with a provider."""
        try:
            yield
        except Told as told:
            raise self._as_told(told, model) from told
        except (PeerSlow, TimeoutError) as exc:
            raise ProviderSlow(f"{self.name} is too slow: {str(exc) or 'nothing comes'}", provider=self.name) from exc
        except (NoResponder, PeerFailed, MeshDenied) as exc:
            raise ProviderFailed(str(exc), provider=self.name) from exc

    def _as_told(self, told: Told, model: str) -> HecateError:
        text = f"{self.name}: {told}"
        if told.code == ModelNotFound.code:
            return ModelNotFound(f"{text} ({model})" if model not in str(told) else text)
        if told.code == Invalid.code:
            return Invalid(text)
        if told.code == MeshDenied.code:
            return ProviderRefused(text, provider=self.name, provider_status=told.status)
        if told.status == TOO_MANY_REQUESTS:
            return ProviderLimited(
                text,
                provider=self.name,
                provider_status=told.status,
                retry_after_seconds=told.retry_after_seconds,
            )
        if told.status == GATEWAY_TIMEOUT:
            return ProviderSlow(text, provider=self.name)
        return ProviderFailed(text, provider=self.name, provider_status=told.status)


class ModelsOfPeers:
    """Keeps the gateway told of the peers that share models.

    Args:
        node: The mesh.
        gateway: Gets their models.
    """

    def __init__(self, node: Node, gateway: Gateway) -> None:
        self._node = node
        self._gateway = gateway
        self._guests: dict[tuple[str, str], PeerModels] = {}
        self._changed = asyncio.Event()
        for moments in (node.peers.on_arrival, node.peers.on_departure):
            moments.append(self._look)

    async def run(self) -> None:
        """Follow who comes and goes."""
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._guests = dict(self._present())
                await self._gateway.providers.welcome(self._guests.values())
        finally:
            await self._gateway.providers.welcome(())

    def _present(self) -> Iterator[tuple[tuple[str, str], PeerModels]]:
        deadlines = self._gateway.providers.now.sources.llm.deadlines
        for peer in self._node.peers.present.values():
            if peer.card.shares_models:
                place = (peer.did, peer.name)
                yield place, self._guests.get(place) or PeerModels(self._node, peer, deadlines)

    def _look(self, _peer: Peer) -> None:
        self._changed.set()
