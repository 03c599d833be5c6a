"""A call in the provider's own dialect: its bytes pass through, and are only watched.

What the answer says about its end, its tokens and its failure is read by the adapter's own
`Reading`; the rest is not even looked at.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.errors import HecateError
from hecate.serve_llm.dialects.signs import Signs
from hecate.serve_llm.dialects.streaming import EVENTS, Form, Writing
from hecate.serve_llm.errors import ProviderFailed, ProviderSlow
from hecate.serve_llm.finished_calls import OK
from hecate.serve_llm.pieces import Began, Finish, Piece
from hecate.serve_llm.providers.reading import LAST_SECONDS
from hecate.serve_llm.secrets import scrub

if TYPE_CHECKING:
    from hecate.serve_llm.attempts import Attempt
    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.finished_calls import CallUnderWay
    from hecate.serve_llm.providers.provider import Account
    from hecate.serve_llm.providers.reading import Reading
    from hecate.serve_llm.reply import Reply

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What must be known of a dialect to watch its bytes."""

    dialect: str
    reading: Callable[[Account], Reading]
    """Makes what reads an answer."""
    cutter: Callable[[], Cutter]
    """Makes what cuts a stream into events."""
    blocks: Callable[[], Cutter]
    """Makes what cuts a stream into pieces to send on."""
    telling: Signs
    """Finds the events that may tell of the end, the tokens or a failure; it may find others too."""
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What is passed on."""

    path: str
    """What follows the provider's base URL."""
    body: bytes
    headers: Mapping[str, str] | None = None
    withhold: Callable[[bytes], bytes] | None = None
    """Takes out of the stream what we have asked for and the client has not."""


async def passed_answer(attempt: Attempt, call: CallUnderWay, wire: Wire, passed: Passed) -> bytes:
    """Return the answer to a call that is not streamed.

    Raises:
        ModelNotFound, ProviderFailed: As for any call of a provider.
    """
    with await send_on(attempt, wire.dialect, passed) as reply:
        answer = await reply.whole()
    reading = wire.reading(attempt.provider.upstream.account)
    reading.take(answer, [])
    call.heard()
    if call.keeping is not None:
        call.keeping(answer.decode("utf-8", "replace"))
    if reading.complete:
        _count(call, reading)
    return answer


async def passed_events(
    attempt: Attempt, wire: Wire, passed: Callable[[], Passed], writing: Writing
) -> AsyncGenerator[bytes, None]:
    """Give the answer to a call that is streamed; each item holds all that came together.

    Args:
        attempt: Whom to ask; it is made here.
        wire: The dialect.
        passed: Gives what to send.
        writing: Writes the answer of a server that does not stream.

    Raises:
        HecateError: It fails before anything was given, and is not to be tried otherwise.
    """
    given = False
    try:
        with attempt as call:
            sent = passed()
            withhold = sent.withhold
            sending = send_on(attempt, wire.dialect, sent, streamed=True)
            # They hold the whole conversation, and the answer may take long.
            del passed, sent
            with await sending as reply:
                del sending
                watch = _Watch(wire, attempt.provider.upstream.account, call)
                if wire.form.media_type == EVENTS and reply.media_type == JSON:
                    pieces: list[Piece] = [Began(attempt.provider.name, attempt.model)]
                    watch.reading.take(await reply.whole(), pieces)
                    watch.reading.finish(pieces)
                    call.heard()
                    given = True
                    yield writing.events(pieces)
                else:
                    cutter = wire.blocks()
                    try:
                        while not watch.over and (blocks := await reply.payloads(cutter)):
                            for block in blocks:
                                if seen := watch.look(block, withhold):
                                    given = True
                                    yield seen
                            if watch.over:
                                reply.finished()
                            elif watch.reading.complete:
                                reply.silent_at_most(LAST_SECONDS)
                    except ProviderSlow:
                        # A server that forgets its end mark and keeps the connection open has answered nevertheless.
                        if not watch.reading.complete:
                            raise
            watch.end()
    except HecateError as exc:
        if not given:
            raise
        yield wire.form.failure(exc)


async def send_on(attempt: Attempt, dialect: str, passed: Passed, *, streamed: bool = False) -> Reply:
    """Send a call on and return the answer, once it has begun and is a success; use it in a ``with``.

    Raises:
        ModelNotFound, ProviderFailed: As for any call of a provider; if its answer has the shape of an
            error in the *dialect*, the error says so.
    """
    try:
        return await attempt.provider.upstream.send(
            "POST", passed.path, passed.body, streamed=streamed, seconds=attempt.seconds, headers=passed.headers
        )
    except ProviderFailed as exc:
        if _is_error(exc.answer):
            exc.answer_dialect = dialect
        raise


def _is_error(answer: str) -> bool:
    """Tell whether *answer* is an error as each of the dialects says it: an object that has one."""
    try:
        document = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return False
    return isinstance(document, dict) and "error" in document


class _Watch:
    """Sees what passes."""

    __slots__ = ("_call", "_secrets", "_wire", "over", "reading")

    def __init__(self, wire: Wire, account: Account, call: CallUnderWay) -> None:
        self._wire = wire
        self._call = call
        self._secrets = account.secrets
        self.reading = wire.reading(account)
        self.over = False
        """Whether nothing that follows matters."""

    def look(self, block: bytes, withhold: Callable[[bytes], bytes] | None) -> bytes:
        """Return what to send on of *block*.

        Raises:
            ProviderFailed: It is an error, and the first that comes.
        """
        if self._call.keeping is not None:
            self._call.keeping(block.decode("utf-8", "replace"))
        if self._wire.telling.are_in(block):
            try:
                self._read(block)
            except ProviderFailed as exc:
                if not self._call.is_heard:
                    raise
                self._call.outcome = exc.code
                self.over = True
                return scrub(block.decode("utf-8", "replace"), self._secrets).encode()
            if withhold is not None:
                return withhold(block)
        self._call.heard()
        return block

    def end(self) -> None:
        """See that the answer was whole.

        Raises:
            ProviderFailed: It has ended before the model did.
        """
        if self._call.outcome == OK:
            _count(self._call, self.reading)

    def _read(self, block: bytes) -> None:
        cutter = self._wire.cutter()
        for payload in (*cutter.feed(block), *cutter.flush()):
            if self._wire.telling.are_in(payload):
                self.reading.take(payload, [])
            self._call.heard()
        self.over = self.reading.ended


def _count(call: CallUnderWay, reading: Reading) -> None:
    pieces: list[Piece] = []
    reading.finish(pieces)
    if isinstance(finish := pieces[-1], Finish):
        call.usage, call.finish_reason = finish.usage, finish.reason
