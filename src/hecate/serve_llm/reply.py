"""A provider's answer while it comes: its bytes, the deadlines, and the end.

Leaving a reply, however that happens, ends the call at the provider: the connection is closed unless the answer was
read to its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Final, Self

import aiohttp

from hecate.endpoints import Stopwatch
from hecate.serve_llm.call_timer import CallTimer
from hecate.serve_llm.errors import ProviderFailed
from hecate.serve_llm.faults import FAULTS, failure_of

if TYPE_CHECKING:
    from types import TracebackType

    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.upstream import Upstream

BODY_LIMIT_BYTES: Final = 32 * 1024 * 1024


class Reply:
    """A provider's answer that has begun, as a context: leaving it ends the call, if it has not ended."""

    __slots__ = ("_begun", "_left", "_response", "_stopwatch", "_timer", "_total_seconds", "_upstream")

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        upstream: Upstream,
        timer: CallTimer,
        total_seconds: float,
        stopwatch: Stopwatch,
    ) -> None:
        self._response = response
        self._upstream = upstream
        self._timer = timer
        self._total_seconds = total_seconds
        self._stopwatch = stopwatch
        self._begun = False
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.stop()
        # One that has been read to its end has given its connection back.
        if not self._left and not self._response.closed:
            self._response.close()

    @property
    def media_type(self) -> str:
        """What the provider says that it sends, such as ``text/event-stream``."""
        return self._response.content_type

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer; their names in any case."""
        return self._response.headers

    async def whole(self, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
        """Return the whole body.

        Raises:
            ProviderFailed: The body breaks off, or is longer than *limit_bytes*.
            ProviderSlow: A deadline has passed.
        """
        parts: list[bytes] = []
        held = 0
        content = self._response.content
        try:
            while not content.at_eof():
                self._stopwatch.wait()
                part = await content.readany()
                self._stopwatch.go_on()
                held += len(part)
                if held > limit_bytes:
                    name = self._upstream.account.name
                    raise ProviderFailed(f"{name} sent more than {limit_bytes} bytes", provider=name)
                parts.append(part)
        except FAULTS as exc:
            raise failure_of(exc, self._upstream.account, self._total_seconds) from exc
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def payloads(self, cutter: Cutter) -> list[bytes]:
        """Return the payloads that *cutter* finds in what comes next: at least one, or none if the body has ended.

        Raises:
            ProviderFailed: The body breaks off, or a line of it is overlong.
            ProviderSlow: A deadline has passed; comments keep a connection alive, but are no answer.
        """
        body, timer = self._response.content, self._timer
        timer.waiting_since = monotonic()
        if not self._begun:
            self._stopwatch.wait()
        try:
            while data := await body.readany():
                if payloads := cutter.feed(data):
                    timer.waiting_since = None
                    if not self._begun:
                        self._begin()
                    return payloads
        except FAULTS as exc:
            raise failure_of(exc, self._upstream.account, self._total_seconds) from exc
        return cutter.flush()

    def silent_at_most(self, seconds: float) -> None:
        """From now on, take *seconds* without a payload as a failure."""
        self._timer.silent_at_most(seconds)

    def finished(self) -> None:
        """Say that what is left of the answer does not matter, so that the connection may be kept."""
        self._left = True
        self._upstream.connections.drain(self._response)

    def _begin(self) -> None:
        """Note that the first payloads are there: what follows is no overhead of a call, and may be slow by a gap."""
        self._begun = True
        self._stopwatch.go_on()
        self._timer.silent_at_most(self._upstream.account.deadlines.gap_seconds)
