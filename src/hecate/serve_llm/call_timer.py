"""The deadlines of one call of a provider, on one timer.

A timer for each chunk would cost as much as the chunk.  This one is set for the earliest moment at which
a deadline can have passed; then it looks whether one has, and if not, it is set again.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

    from aiohttp import StreamReader

SHORTEST_SECONDS: Final = 0.001
"""The loop's clock is no finer."""


class TooSilent(TimeoutError):
    """What was waited for has not come in its time, though the call as a whole could still go on."""


class CallTimer:
    """Ends a call when its time is over, or when it has been waited too long for what comes next.

    As a context, it ends what happens inside, until the answer has begun (`watch`); later it makes the
    body's reader fail.  Time in which nobody waits, since the caller reads slowly, is not silence.

    Args:
        total_seconds: The longest that the call may take.
        silence_seconds: The longest that may be waited for what comes next; None: until the call's end.

    Raises:
        TimeoutError: The call has taken too long.
        TooSilent: What was waited for has not come.
    """

    __slots__ = (
        "_body",
        "_cancelled_before",
        "_ends_at",
        "_fault",
        "_loop",
        "_silence_seconds",
        "_task",
        "_timer",
        "waiting_since",
    )

    def __init__(self, total_seconds: float, silence_seconds: float | None) -> None:
        now = monotonic()
        self._ends_at = now + total_seconds
        self._silence_seconds = silence_seconds
        self.waiting_since: float | None = now
        """Since when, on the monotonic clock, it is waited for what comes next; None: it has come."""
        self._body: StreamReader | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelled_before = 0
        self._fault: TimeoutError | None = None
        self._loop = asyncio.get_running_loop()
        first = total_seconds if silence_seconds is None else min(total_seconds, silence_seconds)
        self._timer = self._loop.call_later(first, self._look)

    def __enter__(self) -> Self:
        self._task = task = asyncio.current_task()
        if task is not None:
            self._cancelled_before = task.cancelling()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if raised is not None:
            self.stop()
        if self._fault is None or task is None:
            return
        # Somebody else may have cancelled the task as well, such as a caller who has gone away.
        is_ours = task.uncancel() <= self._cancelled_before
        if is_ours and isinstance(raised, asyncio.CancelledError):
            raise self._fault from None

    def watch(self, body: StreamReader) -> None:
        """Say that the answer has begun, and that *body* is what is read from now on."""
        self._body = body
        self.waiting_since = None

    def silent_at_most(self, seconds: float) -> None:
        """Wait no longer than *seconds* for what comes next, from now on."""
        if self._silence_seconds is None or seconds < self._silence_seconds:
            self._timer.cancel()
            self._timer = self._loop.call_later(seconds, self._look)
        self._silence_seconds = seconds

    def stop(self) -> None:
        """Forget the call."""
        self._timer.cancel()

    def _seconds_left(self, now: float) -> float:
        """Return after how many seconds a deadline may have passed; none or less: one has."""
        left = self._ends_at - now
        if self._silence_seconds is None:
            return left
        since = now if self.waiting_since is None else self.waiting_since
        return min(left, since + self._silence_seconds - now)

    def _look(self) -> None:
        now = monotonic()
        if (left := self._seconds_left(now)) > 0:
            self._timer = self._loop.call_later(max(left, SHORTEST_SECONDS), self._look)
            return
        self._fault = fault = TimeoutError() if now >= self._ends_at else TooSilent()
        if self._body is not None:
            self._body.set_exception(fault)
        elif self._task is not None:
            self._task.cancel()
