"""The gateway: the providers in use, and a chat with whichever has the model.

One object for the daemon's life.  What a reload changes is made anew and put in place in one
step; chats that are running keep the adapter that they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.accounts import Sources, configured_accounts
from hecate.serve_llm.attempts import Attempt, Attempts
from hecate.serve_llm.catalogue import Catalogue, Shelf
from hecate.serve_llm.connections import Connections
from hecate.serve_llm.pieces import Batches, Began, Finish, TextPiece, Usage
from hecate.serve_llm.providers import CONTRACT, provider_kinds
from hecate.serve_llm.providers.provider import CountsTokens, Embeds
from hecate.serve_llm.routing import Routing, Target
from hecate.serve_llm.upstream import Upstream
from hecate.serve_llm.usage_ledger import Ledger

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
    from hecate.serve_llm.finished_calls import CallUnderWay
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.providers.provider import Account, Model, Provider


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reload has changed, as names of providers."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _InUse:
    """All that a reload replaces, as one value: a chat sees either all of the old or all of the new."""

    accounts: Mapping[str, Account]
    catalogue: Catalogue
    routing: Routing


class Gateway:
    """Every configured provider behind one door.

    Args:
        read_sources: Gives the settings and the environment as they are now; called at the start
            and by every reload.
        ledger: Keeps account of every call, in whatever way and dialect; the gateway closes it.

    Raises:
        Invalid: The configuration of a provider is wrong.
    """

    def __init__(self, read_sources: Callable[[], Sources], ledger: Ledger | None = None) -> None:
        self._read_sources = read_sources
        self._connections = Connections()
        self.ledger = Ledger() if ledger is None else ledger
        self._in_use = self._prepared({}, {})

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
    def keys(self) -> tuple[str, ...]:
        """The providers' keys, for whoever must keep them out of sight."""
        return tuple(account.api_key for account in self._in_use.accounts.values() if account.api_key)

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

        def begin(provider: Provider, model: str) -> CallUnderWay:
            return self.ledger.begin(provider, model, streamed=streamed, operation=operation)

        return Attempts(
            self._in_use.routing, model, begin=begin, seconds=seconds, fall_back=fall_back, warnings=warnings
        )

    async def chat(self, request: ChatRequest, warnings: list[str] | None = None) -> Batches:
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
        async for attempt in attempts:
            with attempt as call:
                async with aclosing(self.answered(attempt, call, attempts.request_for(attempt, request))) as batches:
                    async for batch in batches:
                        yield batch
                return
        raise attempts.failure

    async def answered(self, attempt: Attempt, call: CallUnderWay, request: ChatRequest) -> Batches:
        """Answer *request* in one *attempt*, which *call* is the record of; its ``model`` is the provider's own name.

        Raises:
            Invalid, ModelNotFound, ProviderFailed: As for `chat`.
        """
        async with aclosing(attempt.provider.chat(request)) as batches:
            async for batch in batches:
                if not call.is_heard:
                    call.heard()
                    batch.insert(0, Began(attempt.provider.name, attempt.model))
                if isinstance(last := batch[-1], Finish):
                    call.usage, call.finish_reason = last.usage, last.reason
                    batch[-1] = await self.ledger.priced(attempt.provider, attempt.model, last)
                if call.keeping is not None:
                    call.keeping("".join(piece.text for piece in batch if isinstance(piece, TextPiece)))
                yield batch

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

    def call_of(self, provider: Provider, model: str, *, streamed: bool, operation: str = "chat") -> CallUnderWay:
        """Return a context for a call of *provider*, of which the ledger keeps account.

        Raises:
            BudgetExceeded: The call must not be made.
        """
        return self.ledger.begin(provider, model, streamed=streamed, operation=operation)

    async def reload(self) -> Changes:
        """Read the configuration again and use it from now on.

        Raises:
            Invalid: It is wrong; everything stays as it was.
        """
        former = self._in_use
        self._in_use = self._prepared(former.accounts, former.catalogue.shelves)
        accounts, catalogue = self._in_use.accounts, self._in_use.catalogue
        await catalogue.close(
            shelf for name, shelf in former.catalogue.shelves.items() if catalogue.shelves.get(name) is not shelf
        )
        await catalogue.look(again=True)
        return Changes(
            added=tuple(name for name in accounts if name not in former.accounts),
            removed=tuple(name for name in former.accounts if name not in accounts),
            changed=tuple(name for name, account in accounts.items() if former.accounts.get(name, account) != account),
        )

    def _prepared(self, accounts: Mapping[str, Account], shelves: Mapping[str, Shelf]) -> _InUse:
        """Return what the configuration says now, with the shelves of *accounts* that are still the same."""
        sources = self._read_sources()
        now = configured_accounts(sources)
        kept = {name: shelf for name, shelf in shelves.items() if accounts.get(name) == now.get(name)}
        catalogue = Catalogue(
            {name: kept.get(name) or self._shelf(account) for name, account in now.items()},
            sources.llm.models_fresh_seconds,
        )
        unconfigured = frozenset(provider_kinds()).difference(now)
        return _InUse(now, catalogue, Routing(catalogue, sources.llm, unconfigured))

    def _shelf(self, account: Account) -> Shelf:
        kind = provider_kinds()[account.kind]
        upstream = Upstream(account, self._connections, kind.authorize(account.api_key))
        return Shelf(kind.adapter(account, upstream), account.deadlines.list_seconds)
