"""A zenoh session as the event loop sees it: nothing here blocks the loop, and nothing runs on zenoh's threads.

Zenoh calls back on threads of its own; all they do is to hand over to the loop.  What may block (a full queue to a
peer that does not read) is called on threads of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, Self

import zenoh

from hecate.dossiers.errors import Unavailable

ASKING_THREADS: Final = 8
MOST_WAITING_QUERIES: Final = 512
"""So many may wait for the event loop; a flood is turned away before it gets there."""
BUSY: Final = b"busy"
LONGEST_BACKLOG_BYTES: Final = 4 * 1024 * 1024
"""So much of one answer may wait for its reader; then the question is given up."""


class LinkSeen(NamedTuple):
    """A connection to a neighbour: its certificate's name, and as zenoh writes it both ends."""

    did: str
    here: str
    there: str

    @property
    def protocol(self) -> str:
        """``tls`` or ``quic``."""
        return self.here.partition("/")[0]


class Asked(NamedTuple):
    """A query that has come: its payload, and the ways to answer."""

    payload: bytes
    query: Any

    def reply(self, payload: bytes) -> None:
        """Send a piece of the answer; may block for as long as the asker does not read."""
        self.query.reply(self.query.key_expr, payload)

    def reply_and_end(self, payload: bytes) -> None:
        """Send the last piece of the answer; may block, too."""
        try:
            self.reply(payload)
        finally:
            self.end()

    def turn_away(self) -> None:
        """Say that there is too much to do, so that nothing was done."""
        self.query.reply_err(BUSY)
        self.query.drop()

    def end(self) -> None:
        """Say that there is no more."""
        self.query.drop()


class Declared(Protocol):
    """What was declared in the session, and may be withdrawn."""

    def undeclare(self) -> Any:
        """Withdraw it."""


class TurnedAway(Exception):
    """Whoever was asked has too much to do, and has done nothing; it may be asked again."""


class AskerTooSlow(Exception):
    """More of an answer has come than its reader has taken in."""


class Session:
    """An open session; use `open`, and `close` at the end."""

    def __init__(self, session: zenoh.Session, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop
        self._pool = ThreadPoolExecutor(ASKING_THREADS, thread_name_prefix="hecate-mesh")
        self._waiting = 0
        self.turned_away = 0
        """How many queries were a flood."""
        self._watches: list[Any] = []

    @classmethod
    async def open(cls, configuration: str) -> Self:
        """Open a session.

        Raises:
            Unavailable: It cannot listen where it should, or a certificate is not accepted.
        """
        try:
            session = await asyncio.to_thread(lambda: zenoh.open(zenoh.Config.from_json5(configuration)))
        except zenoh.ZError as exc:
            raise Unavailable(f"the mesh cannot be opened: {exc}") from exc
        return cls(session, asyncio.get_running_loop())

    async def close(self) -> None:
        """Leave the mesh: peers see it at once."""
        await asyncio.to_thread(self._session.close)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- presence

    async def be_present(self, key: str) -> Declared:
        """Show the token *key*."""
        return await asyncio.to_thread(self._session.liveliness().declare_token, key)

    async def watch_presence(self, keys: str, seen: Callable[[str, bool], None]) -> None:
        """Call *seen* on the loop with each token of *keys* that appears (True) or goes (False)."""

        def handle(sample: zenoh.Sample) -> None:
            self._hand_over(seen, str(sample.key_expr), sample.kind == zenoh.SampleKind.PUT)

        callback = zenoh.handlers.Callback(handle, indirect=False)
        watch = partial(self._session.liveliness().declare_subscriber, keys, callback, history=True)
        self._watches.append(await asyncio.to_thread(watch))

    async def watch_links(self, linked: Callable[[str], None]) -> None:
        """Call *linked* on the loop with the certificate's name of each neighbour to whom there is a new connection."""

        def handle(event: zenoh.LinkEvent) -> None:
            if event.kind == zenoh.SampleKind.PUT:
                self._hand_over(linked, event.link.auth_identifier or "")

        callback = zenoh.handlers.Callback(handle, indirect=False)
        watch = partial(self._session.info.declare_link_events_listener, callback, history=False)
        self._watches.append(await asyncio.to_thread(watch))

    async def withdraw(self, declared: Sequence[Declared]) -> None:
        """Let what was declared be no more."""
        await asyncio.to_thread(lambda: [one.undeclare() for one in declared])

    def links(self) -> list[LinkSeen]:
        """Return the connections to neighbours; for a thread."""
        found = self._session.info.links()
        return [LinkSeen(link.auth_identifier or "", link.src, link.dst) for link in found]

    # -- news

    async def listen(self, key: str, heard: Callable[[bytes], None]) -> Declared:
        """Call *heard* on the loop with all that is put under *key*."""

        def handle(sample: zenoh.Sample) -> None:
            self._hand_over(heard, sample.payload.to_bytes())

        callback = zenoh.handlers.Callback(handle, indirect=False)
        return await asyncio.to_thread(self._session.declare_subscriber, key, callback)

    async def tell(self, keys: Sequence[str], payload: bytes) -> None:
        """Put *payload* under each of *keys*; it may be lost where a peer does not read."""

        def put() -> None:
            for key in keys:
                self._session.put(key, payload, congestion_control=zenoh.CongestionControl.DROP)

        await self._loop.run_in_executor(self._pool, put)

    # -- questions

    async def serve(self, key: str, asked: Callable[[Asked], None]) -> Declared:
        """Call *asked* on the loop with each query for *key*; it must see to it that the query is ended."""

        def arrived(query: Any, payload: bytes) -> None:
            self._waiting -= 1
            asked(Asked(payload, query))

        def handle(query: zenoh.Query) -> None:
            if self._waiting >= MOST_WAITING_QUERIES:
                self.turned_away += 1
                Asked(b"", query).turn_away()
                return
            self._waiting += 1
            payload = query.payload
            self._hand_over(arrived, query, b"" if payload is None else payload.to_bytes())

        callback = zenoh.handlers.Callback(handle, indirect=False)
        return await asyncio.to_thread(partial(self._session.declare_queryable, key, callback, complete=True))

    async def ask(
        self, key: str, payload: bytes, seconds: float, is_over: Callable[[], bool] = bool
    ) -> AsyncGenerator[bytes, None]:
        """Give each piece that is answered to a query for *key*, until whoever answers has ended or gone.

        Closing the generator ends the question on this side.

        Args:
            key: Whom to ask.
            payload: What.
            seconds: The longest that it may take.
            is_over: Whether whoever takes the pieces has had the last, so that there is nothing to end.

        Raises:
            AskerTooSlow: The pieces were not taken as they came.
            TurnedAway: It has too much to do; there were no pieces.
        """
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        backlog = 0
        overflowed = turned_away = False

        def take(piece: bytes | None) -> None:
            nonlocal backlog, overflowed
            backlog += 0 if piece is None else len(piece)
            if backlog > LONGEST_BACKLOG_BYTES:
                overflowed = True
                piece = None
            pieces.put_nowait(piece)

        def handle(reply: zenoh.Reply) -> None:
            nonlocal turned_away
            if reply.ok is not None:
                self._hand_over(take, reply.ok.payload.to_bytes())
            elif reply.err is not None and reply.err.payload.to_bytes() == BUSY:
                turned_away = True

        def end() -> None:
            # Most have their last piece by now, and wait for nothing more.
            if not is_over():
                self._hand_over(take, None)

        cancelling = zenoh.CancellationToken()
        get = partial(
            self._session.get,
            key,
            zenoh.handlers.Callback(handle, end, indirect=False),
            payload=payload,
            timeout=seconds,
            target=zenoh.QueryTarget.ALL,
            consolidation=zenoh.ConsolidationMode.NONE,
            cancellation_token=cancelling,
            express=True,
        )

        def begin() -> None:
            try:
                get()
            except zenoh.ZError:  # the session is closed
                self._hand_over(take, None)

        # On a thread, since it may block; that it has been sent needs no waiting for.
        self._pool.submit(begin)
        ended = False
        try:
            while (piece := await pieces.get()) is not None:
                backlog -= len(piece)
                yield piece
            ended = True
        finally:
            if not ended and not is_over():
                # It waits for a callback that may be running, so not on the loop.
                self._pool.submit(cancelling.cancel)
        if overflowed:
            raise AskerTooSlow
        if turned_away:
            raise TurnedAway

    def _hand_over(self, call: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended before the session
            self._loop.call_soon_threadsafe(call, *arguments)
