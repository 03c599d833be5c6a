"""A call in the provider's own dialect: its bytes pass through, and are only watched.

What the answer says about its end, its tokens and its failure is read by the adapter's own
`Reading`; the rest is not even looked at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from hecate.endpoints import Raw, Stream
from hecate.serve_llm.dialects.refusing import InProvidersWords
from hecate.serve_llm.dialects.streaming import EVENTS, Form, Writing, stream
from hecate.serve_llm.errors import ProviderFailed, ProviderSlow
from hecate.serve_llm.finished_calls import OK
from hecate.serve_llm.pieces import Began, Finish, Piece, Usage
from hecate.serve_llm.providers.reading import LAST_SECONDS
from hecate.serve_llm.refusals import not_understood
from hecate.serve_llm.secrets import scrub

if TYPE_CHECKING:
    from hecate.serve_llm.event_lines import Cutter
    from hecate.serve_llm.finished_calls import CallUnderWay
    from hecate.serve_llm.gateway import Gateway
    from hecate.serve_llm.providers.provider import Account, Provider
    from hecate.serve_llm.providers.reading import Reading
    from hecate.serve_llm.upstream import Reply

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What must be known of a dialect to watch its bytes."""

    reading: Callable[[Account], Reading]
    """Makes what reads an answer."""
    cutter: Callable[[], Cutter]
    """Makes what cuts a stream into events."""
    blocks: Callable[[], Cutter]
    """Makes what cuts a stream into pieces to send on."""
    telling: re.Pattern[bytes]
    """Finds the events that may tell of the end, the tokens or a failure; it may find others too."""
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A call to pass on."""

    provider: Provider
    model: str
    """The provider's own name of it."""
    path: str
    """What follows the provider's base URL."""
    body: bytes
    headers: Mapping[str, str] | None = None
    withhold: Callable[[bytes], bytes] | None = None
    """Takes out of the stream what we have asked for and the client has not."""


async def pass_on(gateway: Gateway, wire: Wire, passed: Passed) -> Raw:
    """Return the answer to a call that is not streamed.

    Raises:
        ModelNotFound, ProviderFailed: As for any call of a provider.
    """
    provider = passed.provider
    with gateway.call_of(provider, passed.model, streamed=False) as call:
        try:
            with await provider.upstream.send("POST", passed.path, passed.body, headers=passed.headers) as reply:
                answer = await reply.whole()
            call.heard()
            reading = wire.reading(provider.upstream.account)
            reading.take(answer, [])
        except ProviderFailed as exc:
            raise in_providers_words(exc) from exc
        if reading.complete:
            _count(call, reading)
    return Raw(answer)


async def pass_on_unread(gateway: Gateway, passed: Passed, usage: Callable[[bytes], Usage]) -> Raw:
    """Return the answer to a question that is no chat.

    Args:
        gateway: Is told of the call's end.
        passed: The question.
        usage: Finds in the answer what it has taken.

    Raises:
        ModelNotFound, ProviderFailed: As for any call of a provider.
    """
    provider = passed.provider
    with gateway.call_of(provider, passed.model, streamed=False) as call:
        try:
            with await provider.upstream.send("POST", passed.path, passed.body, headers=passed.headers) as reply:
                answer = await reply.whole()
            call.heard()
            call.usage = usage(answer)
        except ProviderFailed as exc:
            raise in_providers_words(exc) from exc
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(provider.upstream.account, exc) from exc
    return Raw(answer)


def pass_on_stream(gateway: Gateway, wire: Wire, passed: Passed, writing: Writing) -> Stream:
    """Return the answer to a call that is streamed.

    Args:
        gateway: Is told of the call's end.
        wire: The dialect.
        passed: The call.
        writing: Writes the answer of a server that does not stream.
    """
    return stream(_passed_events(gateway, wire, passed, writing), wire.form)


async def _passed_events(gateway: Gateway, wire: Wire, passed: Passed, writing: Writing) -> AsyncGenerator[bytes, None]:
    provider = passed.provider
    with gateway.call_of(provider, passed.model, streamed=True) as call:
        watch = _Watch(wire, provider.upstream.account, call)
        try:
            with await provider.upstream.send(
                "POST", passed.path, passed.body, streamed=True, headers=passed.headers
            ) as reply:
                if wire.form.media_type == EVENTS and reply.media_type == JSON:
                    pieces: list[Piece] = [Began(provider.name, passed.model)]
                    watch.reading.take(await reply.whole(), pieces)
                    watch.reading.finish(pieces)
                    yield writing.events(pieces)
                else:
                    async with aclosing(_blocks(reply, wire, watch, passed.withhold)) as blocks:
                        async for block in blocks:
                            yield block
        except ProviderFailed as exc:
            raise in_providers_words(exc) from exc
        watch.end()


async def _blocks(
    reply: Reply, wire: Wire, watch: _Watch, withhold: Callable[[bytes], bytes] | None
) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(reply.payloads(wire.blocks())) as arriving:
            async for blocks in arriving:
                for block in blocks:
                    if seen := watch.look(block, withhold):
                        yield seen
                if watch.over:
                    reply.finished()
                    return
                if watch.reading.complete:
                    reply.silent_at_most(LAST_SECONDS)
    except ProviderSlow:
        # A server that forgets its end mark and keeps the connection open has answered nevertheless.
        if not watch.reading.complete:
            raise


class _Watch:
    """Sees what passes."""

    __slots__ = ("_call", "_given", "_key", "_wire", "over", "reading")

    def __init__(self, wire: Wire, account: Account, call: CallUnderWay) -> None:
        self._wire = wire
        self._call = call
        self._key = account.api_key
        self._given = False
        self.reading = wire.reading(account)
        self.over = False
        """Whether nothing that follows matters."""

    def look(self, block: bytes, withhold: Callable[[bytes], bytes] | None) -> bytes:
        """Return what to send on of *block*.

        Raises:
            ProviderFailed: It is an error, and the first that comes.
        """
        self._call.heard()
        if self._wire.telling.search(block):
            try:
                self._read(block)
            except ProviderFailed as exc:
                if not self._given:
                    raise
                self._call.outcome = exc.code
                self.over = True
                return scrub(block.decode("utf-8", "replace"), (self._key,)).encode()
            if withhold is not None:
                return withhold(block)
        self._given = True
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
            if self._wire.telling.search(payload):
                self.reading.take(payload, [])
            self._given = True
        self.over = self.reading.ended


def _count(call: CallUnderWay, reading: Reading) -> None:
    pieces: list[Piece] = []
    reading.finish(pieces)
    if isinstance(finish := pieces[-1], Finish):
        call.usage = finish.usage


def in_providers_words(failure: ProviderFailed) -> ProviderFailed:
    """Return *failure* with the provider's own body, where that is an error in JSON; else as it is."""
    try:
        document = msgspec.json.decode(failure.answer)
    except msgspec.DecodeError:
        return failure
    if isinstance(document, dict) and "error" in document:
        return InProvidersWords(failure)
    return failure
