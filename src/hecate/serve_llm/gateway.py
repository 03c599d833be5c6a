"""The gateway: the providers in use, and a chat with whichever has the model.

One object for the daemon's life.  What a reload changes is made anew and put in place in one
step; chats that are running keep the adapter that they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.accounts import Sources
from hecate.serve_llm.added_providers import AddedProviders
from hecate.serve_llm.answered import Answered
from hecate.serve_llm.attempts import Attempt, Attempts
from hecate.serve_llm.catalogue import Shelf
from hecate.serve_llm.connections import Connections
from hecate.serve_llm.pieces import Batches, Began, ChatAnswer, Finish, Piece, Usage, answer_of, text_in
from hecate.serve_llm.providers import CONTRACT
from hecate.serve_llm.providers.provider import CountsTokens, Embeds
from hecate.serve_llm.providers_in_use import Hide, ProvidersInUse, no_log
from hecate.serve_llm.routing import Target
from hecate.serve_llm.usage_ledger import Ledger

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
    from hecate.serve_llm.finished_calls import CallUnderWay
    from hecate.serve_llm.in_use import InUse
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.providers.provider import Model


class Gateway:
    """Every configured provider behind one door.

    Args:
        read_sources: Gives the settings and the environment as they are now; called at the start
            and by every reload.
        ledger: Keeps account of every call, in whatever way and dialect; the gateway closes it.
        added: Keeps what is added and removed at run time.
        hide: Keeps keys out of the log from now on.

    Raises:
        Invalid: The configuration of a provider is wrong.
    """

    def __init__(
        self,
        read_sources: Callable[[], Sources],
        ledger: Ledger | None = None,
        *,
        added: AddedProviders | None = None,
        hide: Hide = no_log,
    ) -> None:
        self._connections = Connections()
        self.ledger = Ledger() if ledger is None else ledger
        self.providers = ProvidersInUse(
            read_sources, AddedProviders() if added is None else added, self._connections, hide
        )

    async def __aenter__(self) -> Self:
        """Ask the providers for their models, so that the first who wants to know need not wait."""
        self._in_use.catalogue.restock()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close every connection, and the ledger."""
        await self._in_use.catalogue.close(self._in_use.catalogue.shelves.values())
        await self._connections.close()
        await self.ledger.close()

    @property
    def _in_use(self) -> InUse:
        return self.providers.now

    @property
    def configured(self) -> tuple[str, ...]:
        """The names of the providers in use."""
        return tuple(self._in_use.accounts)

    async def models(self) -> list[Model]:
        """Return the models of all providers, as last heard; at once but for the first time."""
        catalogue = self._in_use.catalogue
        await catalogue.look()
        return catalogue.models()

    async def shelves(self) -> Mapping[str, Shelf | None]:
        """Return what is known of each provider, as last heard; None for one of the contract's not in use."""
        catalogue = self._in_use.catalogue
        await catalogue.look()
        return {**dict.fromkeys(CONTRACT), **catalogue.shelves}

    async def target(self, model: str) -> Target:
        """Return the provider that serves *model*, and its own name of it.

        Raises:
            ModelNotFound: No provider has it.
        """
        return await self._in_use.routing.target(model)

    def attempts(
        self,
        model: str,
        *,
        streamed: bool,
        seconds: float | None = None,
        fall_back: bool = True,
        warnings: list[str] | None = None,
        operation: str = "chat",
    ) -> Attempts:
        """Return the attempts of a call of *model*, to be made one after the other until one succeeds.

        Args:
            model: As the caller names it.
            streamed: Whether the answer is to come piece by piece.
            seconds: The longest that all of them may take; None: as configured.
            fall_back: Whether another model may answer.
            warnings: Is told what was tried before.
            operation: ``chat`` or ``embeddings``.
        """
        return Attempts(
            self._in_use.routing,
            model,
            self.ledger,
            streamed=streamed,
            operation=operation,
            seconds=seconds,
            fall_back=fall_back,
            warnings=warnings,
        )

    def chat(self, request: ChatRequest, warnings: list[str] | None = None) -> Batches:
        """Answer *request* by the provider that has its model, or a fallback: a `Began` first, a `Finish` last.

        Args:
            request: What is asked.
            warnings: Is told what was tried before.

        Raises:
            ModelNotFound: No provider has the model.
            Invalid: The request asks for what the provider cannot do.
            ProviderFailed: Anything else that goes wrong with the provider.
        """
        attempts = self.attempts(
            request.model, streamed=request.stream, seconds=request.timeout_seconds, warnings=warnings
        )

        def answer(attempt: Attempt) -> Batches:
            return self.answered(attempt, lambda: attempts.request_for(attempt, request))

        return Answered(attempts, answer)

    async def whole(self, request: ChatRequest, warnings: list[str] | None = None) -> ChatAnswer:
        """Return the whole answer to *request*, as for `chat`.

        Raises:
            ModelNotFound, Invalid, ProviderFailed: As for `chat`.
        """
        attempts = self.attempts(request.model, streamed=False, seconds=request.timeout_seconds, warnings=warnings)
        async for attempt in attempts:
            with attempt as call:
                return await self.answered_whole(attempt, call, attempts.request_for(attempt, request))
        raise attempts.failure

    async def answered(self, attempt: Attempt, request: Callable[[], ChatRequest]) -> Batches:
        """Give the answer that *attempt* gets, if it gets any.

        Args:
            attempt: Which provider is asked; it is made here.
            request: Gives what is asked, the model by the provider's own name.

        Raises:
            ModelNotFound, Invalid, ProviderFailed: It fails, and is not to be tried otherwise.
        """
        with attempt as call:
            answer = attempt.provider.chat(request())
            # It holds the whole conversation, and the answer may take long.
            del request
            is_first = True
            try:
                async for batch in answer:
                    if is_first:
                        is_first = False
                        call.heard()
                        batch.insert(0, Began(attempt.provider.name, attempt.model))
                    if isinstance(last := batch[-1], Finish):
                        batch[-1] = self._finished(attempt, call, last)
                    if call.keeping is not None:
                        call.keeping(text_in(batch))
                    yield batch
            finally:
                await answer.aclose()

    async def answered_whole(self, attempt: Attempt, call: CallUnderWay, request: ChatRequest) -> ChatAnswer:
        """Return the answer to *request* in one *attempt*, which *call* is the record of.

        Raises:
            ModelNotFound, Invalid, ProviderFailed: It fails.
        """
        pieces: list[Piece] = [Began(attempt.provider.name, attempt.model)]
        async with aclosing(attempt.provider.chat(request)) as batches:
            async for batch in batches:
                call.heard()
                pieces += batch
        if isinstance(last := pieces[-1], Finish):
            pieces[-1] = self._finished(attempt, call, last)
        if call.keeping is not None:
            call.keeping(text_in(pieces))
        return answer_of(pieces)

    def _finished(self, attempt: Attempt, call: CallUnderWay, finish: Finish) -> Finish:
        """Note how *attempt* has ended, and return its end with what it has cost."""
        call.usage, call.finish_reason = finish.usage, finish.reason
        return self.ledger.priced(attempt.provider, attempt.model, finish)

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request* from the provider that has its model.

        Raises:
            Invalid: The provider makes no vectors.
            ModelNotFound, ProviderFailed: As for a chat.
        """
        # No fallback: vectors of two models cannot be compared.
        attempts = self.attempts(request.model, streamed=False, fall_back=False, operation="embeddings")
        async for attempt in attempts:
            with attempt as call:
                if not isinstance(attempt.provider, Embeds):
                    raise Invalid(f"{attempt.provider.name} has no embeddings")
                embeddings = await attempt.provider.embed(replace(request, model=attempt.model))
                call.heard()
                call.usage = Usage.of(embeddings.prompt_tokens, 0)
                return embeddings
        raise attempts.failure

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens of input *request* is.

        Raises:
            Invalid: The provider does not tell beforehand.
            ModelNotFound, ProviderFailed: As for a chat.
        """
        provider, model = await self.target(request.model)
        if not isinstance(provider, CountsTokens):
            raise Invalid(f"{provider.name} cannot count tokens: it tells how many there were after it has answered")
        return await provider.count_tokens(replace(request, model=model))
