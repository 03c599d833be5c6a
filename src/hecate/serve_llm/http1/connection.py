"""One connection to a provider, with one exchange at a time.

    connection.send(head, body, seconds=60.0)
    await connection.begun()
    while data := await connection.read():
        …

No task stands behind it: what comes is parsed when it comes, and a single timer keeps the deadlines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from hecate.serve_llm.http1.answer import Answer, Headers
from hecate.serve_llm.http1.failures import BrokenOff, ExchangeTooLong, HttpFailure, SilentTooLong

HELD_BYTES: Final = 64 * 1024
"""How much of a body may wait for its reader before the other side is made to wait."""


class Connection(asyncio.Protocol):
    """A connection that stands.  Made by the dialer, and by it alone.

    Args:
        lost: Is told when the connection is gone.
    """

    __slots__ = (
        "_answer",
        "_discarded",
        "_ends_at",
        "_failure",
        "_heard_at",
        "_held_limit",
        "_loop",
        "_lost",
        "_paused",
        "_quiet_seconds",
        "_timer",
        "_transport",
        "_under_way",
        "_waiter",
        "idle_since",
    )

    def __init__(self, lost: Callable[[Connection], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._lost = lost
        self._answer = Answer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._discarded: Callable[[Connection], None] | None = None
        self._held_limit = HELD_BYTES
        self._failure: HttpFailure | None = None
        self._ends_at = self._heard_at = 0.0
        self._quiet_seconds: float | None = None
        self._under_way = self._paused = False
        self.idle_since = 0.0

    # -- the exchange

    def send(self, head: bytes, body: bytes | None, *, seconds: float, quiet_seconds: float | None = None) -> None:
        """Begin an exchange.

        Args:
            head: The request's, without ``Content-Length`` and the empty line.
            body: JSON, or nothing.
            seconds: The longest that the whole exchange may take.
            quiet_seconds: The longest that nothing may come; None: no matter.
        """
        self._answer.clear()
        self._failure = None
        self._held_limit = HELD_BYTES
        self._under_way = True
        self._heard_at = self._loop.time()
        self._ends_at = self._heard_at + seconds
        self._quiet_seconds = quiet_seconds
        self._set_timer()
        if self._transport is None or self._transport.is_closing():
            self._fail(BrokenOff())
        elif body is None:
            self._transport.write(head + b"\r\n")
        elif len(body) < HELD_BYTES:
            self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        else:
            self._transport.writelines((b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), body))

    async def begun(self) -> None:
        """Wait for the head of the answer: `status` and `headers`.

        Raises:
            HttpFailure: It does not come.
        """
        while not self._answer.begun:
            if self._failure is not None:
                raise self._failure
            await self._something()

    @property
    def status(self) -> int:
        """The status of the answer, once it has begun."""
        return self._answer.status

    @property
    def headers(self) -> Headers:
        """The headers of the answer, once it has begun."""
        return self._answer.headers

    async def read(self) -> bytes:
        """Return what has come of the body, as soon as there is anything; nothing at its end.

        Raises:
            HttpFailure: The end does not come.
        """
        while not self._answer.held_bytes:
            if self._failure is not None:
                raise self._failure
            if self._answer.is_complete:
                return b""
            await self._something()
        if self._paused:
            self._read_on()
        return self._answer.take()

    def quiet_at_most(self, seconds: float) -> None:
        """From now on, let nothing come for *seconds* at most."""
        self._quiet_seconds = seconds
        self._heard_at = self._loop.time()
        self._set_timer()

    @property
    def is_complete(self) -> bool:
        """Whether the whole answer has come."""
        return self._answer.is_complete

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may follow: the last is complete, on both sides, and both stay."""
        return (
            self._answer.is_complete
            and not self._answer.is_last
            and not self._paused
            and self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() == 0
        )

    def discard_rest(self, seconds: float, limit_bytes: int, done: Callable[[Connection], None]) -> None:
        """Read the answer to its end, for nobody; call *done* if that comes in time, else close."""
        self._answer.discard()
        self._held_limit = limit_bytes
        self._discarded = done
        self._ends_at = min(self._ends_at, self._loop.time() + seconds)
        self._set_timer()
        if self._paused:
            self._read_on()

    def close(self) -> None:
        """End the connection, and the exchange with it, at once."""
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    # -- the transport's

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the exchange that is under way, as an answer without a length ends."""
        self._transport = None
        if self._under_way:
            if exc is None and self._answer.ended_with_connection():
                self._finish()
            else:
                self._fail(BrokenOff())
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Parse, and wake the reader."""
        if not self._under_way:
            # Nobody has asked.
            self.close()
            return
        self._heard_at = self._loop.time()
        answer = self._answer
        had_begun = answer.begun
        try:
            answer.feed(data)
        except HttpFailure as failure:
            self._fail(failure)
            return
        if answer.is_complete:
            self._finish()
        elif answer.held_bytes > self._held_limit:
            self._hold_back()
        if answer.held_bytes or answer.begun > had_begun:
            self._wake()

    # -- within

    def _hold_back(self) -> None:
        if self._answer.discards:
            self.close()
        elif not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _read_on(self) -> None:
        self._paused = False
        self._heard_at = self._loop.time()
        if self._transport is not None:
            self._transport.resume_reading()

    def _finish(self) -> None:
        self._under_way = False
        self._stop_timer()
        self._wake()
        if self._discarded is not None:
            done, self._discarded = self._discarded, None
            done(self)

    def _fail(self, failure: HttpFailure) -> None:
        self._under_way = False
        self._discarded = None
        self._failure = failure
        self.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _something(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # -- the clock

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self._stop_timer()
        if self._under_way:
            self._timer = self._loop.call_at(self._due(), self._look_at_clock)

    def _due(self) -> float:
        if self._quiet_seconds is None:
            return self._ends_at
        return min(self._ends_at, self._heard_at + self._quiet_seconds)

    def _look_at_clock(self) -> None:
        """Fail if it is time to; most often more has come meanwhile, and the timer is set anew."""
        self._timer = None
        now = self._loop.time()
        if now >= self._ends_at:
            self._fail(ExchangeTooLong())
        elif now < self._due():
            self._set_timer()
        elif self._paused:
            # It is our side that does not read on.
            self._heard_at = now
            self._set_timer()
        else:
            self._fail(SilentTooLong())
