"""The attempts of one call: who is asked, in which order, how often, and until when.

    attempts = gateway.attempts(model, streamed=False)
    async for attempt in attempts:
        with attempt as call:
            …
            call.heard()
            …
            return
    raise attempts.failure

A stream is `hecate.serve_llm.answered.Answered` by the first attempt that gives a piece of it.

What fails before a piece of the answer was given, and may well succeed later or elsewhere, does not
rise but is tried again: at the same provider after a while, then with the model's fallbacks.  All
attempts share the time that the call may take.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Self

from msgspec.structs import replace

from hecate.dossiers.errors import HecateError, Invalid
from hecate.endpoints import current_stopwatch
from hecate.serve_llm.circuit import resting
from hecate.serve_llm.errors import ModelNotFound, OutOfTime, ProviderFailed, ProviderLimited
from hecate.serve_llm.finished_calls import OK
from hecate.serve_llm.repeating import another_may_answer, may_pass, wait_seconds

LEAST_SECONDS = 0.01
"""What must be left of a call's time for another attempt."""

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.finished_calls import CallUnderWay
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.providers.provider import Provider
    from hecate.serve_llm.routing import Routing, Target
    from hecate.serve_llm.usage_ledger import Ledger


class Attempt:
    """One call of one provider, as a context: a failure that is to be tried otherwise does not leave it.

    Args:
        of: The attempts that it is one of.
        provider: Who is asked.
        model: The provider's own name of it.
        call: The record of the call.
    """

    __slots__ = ("_call", "_of", "has_failed", "is_fallback", "model", "provider", "seconds")

    def __init__(self, of: Attempts, provider: Provider, model: str, call: CallUnderWay) -> None:
        self._of = of
        self._call = call
        self.provider = provider
        self.model = model
        self.seconds: float | None = None
        """The longest that it may take; None: as the provider's deadlines say."""
        self.is_fallback = False
        """Whether it is another model than the caller has meant."""
        self.has_failed = False
        """Whether it has ended in a failure that is to be tried otherwise."""

    @property
    def is_heard(self) -> bool:
        """Whether a piece of the answer has come."""
        return self._call.is_heard

    def __enter__(self) -> CallUnderWay:
        return self._call.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._call.__exit__(kind, raised, traceback)
        self._tell_circuit(raised)
        self.has_failed = isinstance(raised, HecateError) and not self.is_heard and self._of.failed(self, raised)
        return self.has_failed

    def _tell_circuit(self, raised: BaseException | None) -> None:
        circuit = self.provider.upstream.circuit
        if raised is None and self._call.outcome == OK:
            circuit.succeeded()
        elif isinstance(raised, OutOfTime) and self._of.is_hurried:
            circuit.left(self)
        elif raised is None or (may_pass(raised) and not isinstance(raised, ProviderLimited)):
            circuit.failed(self, str(raised or self._call.outcome))
        elif isinstance(raised, (ModelNotFound, ProviderFailed)):
            # It refuses, so it is there.
            circuit.succeeded()
        else:
            circuit.left(self)


class Attempts:
    """Gives the attempts, one after the other, while there is something left to try.

    Args:
        routing: Finds the providers.
        model: As the caller names it.
        ledger: Keeps account of each.
        streamed: Whether the answer is to come piece by piece.
        operation: ``chat`` or ``embeddings``.
        seconds: The longest that all attempts together may take; None: as the first provider's deadlines say.
        fall_back: Whether another model may answer.
        warnings: Is told what was tried before.
    """

    __slots__ = (
        "_asked",
        "_ends_at",
        "_errors",
        "_ledger",
        "_named",
        "_names",
        "_operation",
        "_repeat_until",
        "_routing",
        "_seconds",
        "_streamed",
        "_target",
        "_waited_seconds",
        "_warnings",
        "first_dialect",
    )

    def __init__(
        self,
        routing: Routing,
        model: str,
        ledger: Ledger,
        *,
        streamed: bool,
        operation: str = "chat",
        seconds: float | None = None,
        fall_back: bool = True,
        warnings: list[str] | None = None,
    ) -> None:
        self.first_dialect = ""
        """What the provider speaks that was asked first."""
        self._routing = routing
        self._ledger = ledger
        self._streamed = streamed
        self._operation = operation
        self._seconds = seconds
        self._names = routing.choices(model) if fall_back else (model,)
        self._warnings = [] if warnings is None else warnings
        self._errors: list[HecateError] = []
        self._target: Target | None = None
        self._named = 0
        """How many of the names have been tried."""
        self._asked = 0
        """How often the target has been asked."""
        self._repeat_until = self._ends_at = self._waited_seconds = 0.0

    @property
    def is_hurried(self) -> bool:
        """Whether the caller has set a time of its own."""
        return self._seconds is not None

    @property
    def failure(self) -> HecateError:
        """What to raise when nothing is left: of all errors the first that may pass, with the others told."""
        failure = next(filter(may_pass, self._errors), self._errors[0])
        if len(self._errors) > 1:
            failure.details["tried"] = [str(error) for error in self._errors]
        return failure

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Attempt:
        """Return the next attempt, when its time has come."""
        if (
            self._target is not None
            and await self._waited(self._target[0])
            and (attempt := self._attempt(*self._target)) is not None
        ):
            return attempt
        while self._named < len(self._names) and not (self._ends_at and self._left_seconds() < LEAST_SECONDS):
            name = self._names[self._named]
            self._named += 1
            self._asked = 0
            try:
                self._target = await self._routing.target(name)
            except ModelNotFound as exc:
                self._note(exc)
                continue
            if (attempt := self._attempt(*self._target)) is not None:
                return attempt
        raise StopAsyncIteration

    def failed(self, attempt: Attempt, error: HecateError) -> bool:
        """Return whether *error*, which *attempt* has ended in before any answer, is to be tried otherwise."""
        # That a fallback cannot do what is asked is no fault of the caller's.
        if another_may_answer(error) or (isinstance(error, Invalid) and attempt.is_fallback):
            self._note(error)
            return True
        return False

    def _attempt(self, provider: Provider, model: str) -> Attempt | None:
        """Return an attempt, or None if the provider is left alone now."""
        call = self._ledger.begin(provider, model, streamed=self._streamed, operation=self._operation)
        attempt = Attempt(self, provider, model, call)
        circuit = provider.upstream.circuit
        if not circuit.admits(attempt):
            self._note(resting(provider.name, circuit))
            return None
        now = monotonic()
        deadlines = provider.upstream.account.deadlines
        if self._ends_at:
            attempt.seconds = min(self._ends_at - now, deadlines.total_seconds)
        else:
            self.first_dialect = provider.dialect
            attempt.seconds = self._seconds
            self._ends_at = now + (deadlines.total_seconds if self._seconds is None else self._seconds)
        if not self._asked:
            self._repeat_until = now + deadlines.first_token_seconds
        self._asked += 1
        attempt.is_fallback = self._named > 1
        return attempt

    def request_for(self, attempt: Attempt, request: ChatRequest) -> ChatRequest:
        """Return *request* as *attempt* is to make it."""
        if not attempt.is_fallback and attempt.model == request.model and attempt.seconds == request.timeout_seconds:
            return request
        extra = request.extra
        if extra and attempt.provider.dialect != self.first_dialect:
            extra = {}
            self._warnings.append(f"`extra` is for {self.first_dialect}, and was not sent to {attempt.provider.name}")
        return replace(request, model=attempt.model, timeout_seconds=attempt.seconds, extra=extra)

    async def _waited(self, provider: Provider) -> bool:
        """Return whether *provider*, which has failed, is to be asked again; then its time has come."""
        upstream = provider.upstream
        others_left = self._named < len(self._names)
        seconds = wait_seconds(self._errors[-1], self._asked, upstream.account.retries, others_left=others_left)
        if seconds is None or upstream.circuit.state != "closed":
            return False
        waited = self._waited_seconds + seconds
        if waited > upstream.account.retries.wait_seconds or monotonic() + seconds > min(
            self._ends_at, self._repeat_until
        ):
            return False
        self._waited_seconds = waited
        # The time that a failing provider needs is no overhead of ours.
        stopwatch = current_stopwatch()
        stopwatch.wait()
        await asyncio.sleep(seconds)
        stopwatch.go_on()
        return True

    def _left_seconds(self) -> float:
        return self._ends_at - monotonic()

    def _note(self, error: HecateError) -> None:
        self._errors.append(error)
        self._warnings.append(f"tried before: {error}")
