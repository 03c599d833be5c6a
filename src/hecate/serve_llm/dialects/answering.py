"""Answers a client of a dialect: by passing the call on where the provider speaks it too, else by translating.

Which of the two it is shows with each attempt, since a fallback may speak another dialect than the
provider that has failed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from hecate.endpoints import Raw, Stream
from hecate.serve_llm.answered import Answered
from hecate.serve_llm.dialects.passing_on import Passed, Wire, passed_answer, passed_events, send_on
from hecate.serve_llm.dialects.remembered import Watch, remembered
from hecate.serve_llm.dialects.streaming import Writing, stream, written
from hecate.serve_llm.pieces import ChatAnswer, Usage
from hecate.serve_llm.refusals import not_understood

if TYPE_CHECKING:
    from hecate.serve_llm.attempts import Attempt
    from hecate.serve_llm.gateway import Gateway
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.providers.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A chat that a client of a dialect asks for, and both ways to put it."""

    gateway: Gateway
    model: str
    """As the client names it."""
    wire: Wire
    passed: Callable[[Provider, str], Passed]
    """Gives what is passed on to a provider that speaks the dialect, which calls the model by this name."""
    neutral: Callable[[Provider], ChatRequest]
    """Reads the request for a provider.

    Raises:
        Invalid: It is wrong, or asks for what the provider cannot do.
    """
    warnings: list[str]
    """Is told what was tried before."""

    def passes_to(self, provider: Provider) -> bool:
        """Tell whether the request goes to *provider* unread."""
        return provider.dialect == self.wire.dialect

    def request_for(self, attempt: Attempt) -> ChatRequest:
        """Return the request as *attempt* is to make it, of a provider that speaks another dialect.

        Raises:
            Invalid: It is wrong, or asks for what the provider cannot do.
        """
        request = self.neutral(attempt.provider)
        return replace(
            request,
            model=attempt.model,
            timeout_seconds=attempt.seconds,
            messages=remembered(self.gateway).restored(request.messages),
        )

    def passed_by(self, attempt: Attempt) -> Passed:
        """Return what *attempt* passes on."""
        return self.passed(attempt.provider, attempt.model)


async def whole(asked: Asked, form: Callable[[ChatAnswer], bytes]) -> Raw:
    """Return the answer in one; *form* puts one that was translated into the dialect's form.

    Raises:
        Invalid, ModelNotFound, ProviderFailed: As for any chat.
    """
    attempts = asked.gateway.attempts(asked.model, streamed=False, warnings=asked.warnings)
    async for attempt in attempts:
        with attempt as call:
            if asked.passes_to(attempt.provider):
                return Raw(await passed_answer(attempt, call, asked.wire, asked.passed_by(attempt)))
            answer = await asked.gateway.answered_whole(attempt, call, asked.request_for(attempt))
            remembered(asked.gateway).remember(answer)
            return Raw(form(answer))
    raise attempts.failure


def streamed(asked: Asked, writing: Callable[[], Writing]) -> Stream:
    """Return the answer as it is written; *writing* makes what puts pieces into the dialect's form."""
    attempts = asked.gateway.attempts(asked.model, streamed=True, warnings=asked.warnings)

    def answer(attempt: Attempt) -> AsyncGenerator[bytes, None]:
        if asked.passes_to(attempt.provider):
            return passed_events(attempt, asked.wire, lambda: asked.passed_by(attempt), writing())
        batches = asked.gateway.answered(attempt, lambda: asked.request_for(attempt))
        return written(batches, Watch(remembered(asked.gateway)), writing(), asked.wire.form)

    return stream(Answered(attempts, answer), asked.wire.form)


async def passed_question(
    gateway: Gateway,
    model: str,
    dialect: str,
    passed: Callable[[Provider, str], Passed],
    usage: Callable[[bytes], Usage],
    *,
    operation: str = "embeddings",
) -> Raw | None:
    """Return the answer to a question that is no chat; None: the provider speaks another dialect.

    Args:
        gateway: Knows the providers.
        model: As the client names it.
        dialect: What the provider must speak.
        passed: Gives what is passed on, of a provider and its own name of the model.
        usage: Finds in the answer what it has taken.
        operation: What the question is, for the account that is kept of it.

    Raises:
        ModelNotFound, ProviderFailed: As for any call of a provider.
    """
    provider, _ = await gateway.target(model)
    if provider.dialect != dialect:
        return None
    # No fallback: vectors of two models cannot be compared.
    attempts = gateway.attempts(model, streamed=False, fall_back=False, operation=operation)
    async for attempt in attempts:
        with attempt as call:
            with await send_on(attempt, dialect, passed(attempt.provider, attempt.model)) as reply:
                answer = await reply.whole()
            try:
                call.usage = usage(answer)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise not_understood(attempt.provider.upstream.account, exc) from exc
            call.heard()
            return Raw(answer)
    raise attempts.failure
