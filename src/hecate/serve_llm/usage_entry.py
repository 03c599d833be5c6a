"""One call of a model, as it is kept account of."""

from __future__ import annotations

from time import time
from typing import Final

from msgspec import Struct

from hecate.endpoints import Call, Stopwatch
from hecate.serve_llm.finished_calls import OK, FinishedCall
from hecate.serve_llm.pieces import NO_USAGE
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.usage_store import RecordedCall

LONGEST_NAME: Final = 200
"""Characters of an id or a name that a client has made up."""
LONGEST_MESSAGES: Final = 64 * 1024
"""Characters of a request, and of an answer, that are kept."""


class Entry(Struct, kw_only=True):
    """A call: who asks whom for what, and how it has ended."""

    account: Account
    operation: str
    """``chat`` or ``embeddings``."""
    asked_model: str
    """As the caller named it."""
    venture_id: str = ""
    division_id: str = ""
    uid: int | None = None
    """Of the caller; None where the kernel does not say."""
    request_id: str = ""
    traceparent: str = ""
    """Of the caller's own trace."""
    stopwatch: Stopwatch
    request: str | None = None
    """What was asked, where messages are kept."""
    answer: str = ""
    """What was answered, where messages are kept."""
    finished: FinishedCall
    cost_usd: float | None = None
    """None: unknown."""

    @property
    def is_unpriced(self) -> bool:
        """Whether it may have cost something, and nobody knows what."""
        finished = self.finished
        return self.cost_usd is None and (finished.outcome == OK or finished.first_piece_seconds is not None)

    def keep(self, text: str) -> None:
        """Keep more of the answer."""
        if len(self.answer) < LONGEST_MESSAGES:
            self.answer += text[: LONGEST_MESSAGES - len(self.answer)]

    def recorded(self) -> RecordedCall:
        """Return the call as it is stored."""
        finished, usage = self.finished, self.finished.usage
        told = usage.total_tokens > 0
        return RecordedCall(
            began_at=int(finished.began_at * 1000),
            operation=self.operation,
            provider=finished.provider,
            model=finished.model,
            asked_model=self.asked_model,
            streamed=int(finished.streamed),
            outcome=finished.outcome,
            prompt_tokens=usage.prompt_tokens if told else None,
            completion_tokens=usage.completion_tokens if told else None,
            cached_tokens=usage.cached_tokens if told else None,
            cache_write_tokens=usage.cache_write_tokens if told else None,
            reasoning_tokens=usage.reasoning_tokens if told else None,
            cost_usd=self.cost_usd,
            first_piece_ms=_milliseconds(finished.first_piece_seconds),
            total_ms=finished.total_seconds * 1000,
            overhead_ms=_milliseconds(self.stopwatch.overhead_seconds),
            venture_id=self.venture_id,
            division_id=self.division_id,
            uid=self.uid,
            request_id=self.request_id,
            messages=None if self.request is None else (self.request, self.answer),
        )


def entry_of(call: Call | None, account: Account, model: str, operation: str, *, keep_messages: bool) -> Entry:
    """Return the entry of a call that begins.

    Args:
        call: The request that has caused it; None: nobody's.
        account: Who is asked.
        model: The provider's own name of it.
        operation: As in `Entry`.
        keep_messages: Whether the request and the answer are kept.
    """
    if call is None:
        return Entry(
            account=account, operation=operation, asked_model=model, stopwatch=Stopwatch(), finished=NOT_FINISHED
        )
    headers, body = call.headers, call.body
    return Entry(
        account=account,
        operation=operation,
        asked_model=getattr(body, "model", model)[:LONGEST_NAME],
        venture_id=(getattr(body, "venture_id", None) or headers.get("x-hecate-venture", ""))[:LONGEST_NAME],
        division_id=(getattr(body, "division_id", None) or headers.get("x-hecate-division", ""))[:LONGEST_NAME],
        uid=None if call.peer is None else call.peer.uid,
        request_id=call.request_id,
        traceparent=headers.get("traceparent", ""),
        stopwatch=call.stopwatch,
        request=call.raw_body[: 4 * LONGEST_MESSAGES].decode("utf-8", "replace")[:LONGEST_MESSAGES]
        if keep_messages
        else None,
        finished=NOT_FINISHED,
    )


def finished_before_it_began(account: Account, model: str, outcome: str, *, streamed: bool) -> FinishedCall:
    """Return the end of a call that was not made."""
    return FinishedCall(
        provider=account.name,
        model=model,
        streamed=streamed,
        began_at=time(),
        first_piece_seconds=None,
        total_seconds=0.0,
        usage=NO_USAGE,
        outcome=outcome,
    )


NOT_FINISHED: Final = finished_before_it_began(Account(name="", kind="", base_url=""), "", "", streamed=False)
"""Stands where a call has not ended yet."""


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
