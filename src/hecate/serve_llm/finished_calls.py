"""What is to be known of a call of a model once it has ended, however it ended.

    with ledger.begin(provider, model, streamed=True, operation="chat") as call:
        …
        call.heard()
        call.usage = usage

Both ways to a provider, the neutral one and the one that passes bytes on, tell of their calls so; the
ledger (`hecate.serve_llm.usage_ledger`) wants to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic, time
from types import TracebackType
from typing import Self

from msgspec import Struct

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.pieces import NO_USAGE, Usage

OK = "ok"
CANCELLED = "cancelled"
BUG = "internal_error"


class FinishedCall(Struct, frozen=True, kw_only=True):
    """A call that has ended."""

    provider: str
    """The account's name."""
    model: str
    """The provider's own name of it."""
    streamed: bool
    began_at: float
    """In seconds since 1970."""
    first_piece_seconds: float | None
    """From the beginning to the first piece of the answer; None: there was none."""
    total_seconds: float
    usage: Usage
    """`NO_USAGE` where the provider has told nothing."""
    outcome: str
    """``ok``, ``cancelled``, or the code of the error."""
    finish_reason: str = ""
    """Why the model stopped, in the gateway's words; empty where that is not known."""


class CallUnderWay:
    """A call that has not ended yet, as a context: leaving it, in whatever way, is the call's end.

    Args:
        provider: The account's name.
        model: The provider's own name of it.
        streamed: Whether the answer comes piece by piece.
        report: Is told of the end.
        begun: Is called when the context is entered.
    """

    __slots__ = (
        "_began",
        "_begun",
        "_first",
        "_model",
        "_provider",
        "_report",
        "_streamed",
        "finish_reason",
        "keeping",
        "outcome",
        "usage",
    )

    def __init__(
        self,
        provider: str,
        model: str,
        *,
        streamed: bool,
        report: Callable[[FinishedCall], None],
        begun: Callable[[], None] | None = None,
    ) -> None:
        self._provider = provider
        self._model = model
        self._streamed = streamed
        self._report = report
        self._begun = begun
        self._began = monotonic()
        self._first: float | None = None
        self.usage = NO_USAGE
        self.finish_reason = ""
        self.keeping: Callable[[str], None] | None = None
        """Keeps more of the answer's text; None: nobody does."""
        self.outcome = OK
        """What is told if no error rises."""

    @property
    def is_heard(self) -> bool:
        """Whether a piece of the answer has come."""
        return self._first is not None

    def heard(self) -> None:
        """Say that a piece of the answer has come."""
        if self._first is None:
            self._first = monotonic()

    def __enter__(self) -> Self:
        if self._begun is not None:
            self._begun()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        total_seconds = monotonic() - self._began
        self._report(
            FinishedCall(
                provider=self._provider,
                model=self._model,
                streamed=self._streamed,
                began_at=time() - total_seconds,
                first_piece_seconds=None if self._first is None else self._first - self._began,
                total_seconds=total_seconds,
                usage=self.usage,
                outcome=self._outcome(raised),
                finish_reason=self.finish_reason,
            )
        )

    def _outcome(self, raised: BaseException | None) -> str:
        match raised:
            case None:
                return self.outcome
            case HecateError():
                return raised.code
            case asyncio.CancelledError() | GeneratorExit():
                return CANCELLED
            case _:
                return BUG
