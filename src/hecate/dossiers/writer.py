"""The one writer: many units of work in one transaction, so that one ``fsync`` serves them all.

Units that come from the event loop run on it, in slices of at most 2 ms, and a thread commits
each slice while the loop goes on; callers hear of their unit only after COMMIT.  Running the
units in the thread too was a third slower: with each statement the interpreter lock changes
hands.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

import apsw
import structlog

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.transactions import Transactions, Unit

T = TypeVar("T")
AsyncReply = asyncio.Future[object]
Outcome = tuple[AsyncReply, object]

BATCH_UNITS = 256
SLICE_SECONDS = 0.002
PATIENCE_SECONDS = 5.0
SECONDS_BETWEEN_TRIES = 0.005

log = structlog.get_logger(__name__)


class Writer:
    """Runs units of work in *transactions*, which nothing else may use.

    It serves one event loop, and threads beside it.

    Args:
        transactions: On a connection that does not wait for locks itself.
        patience_seconds: How long another program may hold the store's write lock before
            callers are refused.
    """

    def __init__(self, transactions: Transactions, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._transactions = transactions
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        """Held from BEGIN to COMMIT, by the loop's slice or the threads' batch."""
        self._closing = threading.Lock()
        self._closed = False
        self._waiting: deque[tuple[Unit, AsyncReply]] = deque()
        self._scheduled = self._committing = False
        self._tired_at: float | None = None
        self._slices: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[Outcome]] | None] = SimpleQueue()
        self._from_threads: SimpleQueue[tuple[Unit, Future[object]] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._commit_slices, name="hecate-committer", daemon=True),
            threading.Thread(target=self._serve_threads, name="hecate-writer", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def doubt(self) -> str:
        """Why nothing is written any more; empty while all is well."""
        return self._transactions.doubt

    @property
    def is_out_of_room(self) -> bool:
        """Whether the disk was full when something was last to be written."""
        return self._transactions.is_out_of_room

    @property
    def waiting(self) -> int:
        """How many units have not begun yet."""
        return len(self._waiting) + self._from_threads.qsize()

    def close(self) -> None:
        """Commit what has begun, refuse what waits, and end the threads."""
        with self._closing:
            already, self._closed = self._closed, True
        if not already:
            self._slices.put(None)
            self._from_threads.put(None)
        for thread in self._threads:
            thread.join()

    # -- for the event loop

    async def submit(self, unit: Callable[[apsw.Connection], T]) -> T:
        """Run *unit*, which must be quick, and return what it gives once that is durable.

        A cancelled caller does not undo a unit that has begun.

        Raises:
            HecateError: Raised by the unit, which is undone.
            Unavailable: The daemon is stopping, or the disk refused.
        """
        loop = asyncio.get_running_loop()
        reply: AsyncReply = loop.create_future()
        if self._closed:
            raise _stopping()
        self._waiting.append((unit, reply))
        if not self._scheduled and not self._committing:
            # Not at once: what else this turn of the loop brings goes into the same transaction.
            self._scheduled = True
            loop.call_soon(self._run_slice, loop)
        try:
            return cast("T", await reply)
        finally:
            # A refusal's traceback holds this frame, and the frame holds the reply: a cycle for the collector.
            del reply

    def _run_slice(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        with self._closing:
            if self._closed:
                _settle_all([(reply, _stopping()) for _, reply in self._waiting])
                self._waiting.clear()
                return
            if not self._turn.acquire(blocking=False):
                self._try_later(loop)
                return
            outcomes: list[Outcome] = []
            try:
                self._transactions.begin()
                self._tired_at = None
                deadline = time.perf_counter() + SLICE_SECONDS
                while self._waiting and len(outcomes) < BATCH_UNITS and time.perf_counter() < deadline:
                    unit, reply = self._waiting.popleft()
                    if not reply.cancelled():
                        outcomes.append((reply, None))
                        outcomes[-1] = (reply, self._transactions.run(unit))
            except apsw.BusyError as error:
                refusals = self._wait_or_refuse(loop, error)
                self._turn.release()
                _settle_all(refusals)
            except Exception as error:  # noqa: BLE001 - an outer edge: without it nobody is ever answered
                refusals = self._refusals([*outcomes, *((reply, None) for _, reply in self._waiting)], error)
                self._waiting.clear()
                self._turn.release()
                _settle_all(refusals)
            else:
                self._committing = True
                self._slices.put((loop, outcomes))

    def _wait_or_refuse(self, loop: asyncio.AbstractEventLoop, error: apsw.BusyError) -> list[Outcome]:
        now = time.monotonic()
        self._tired_at = self._tired_at or now + self._patience_seconds
        if now < self._tired_at:
            self._try_later(loop)
            return []
        self._tired_at = None
        refusals = self._refusals([(reply, None) for _, reply in self._waiting], error)
        self._waiting.clear()
        return refusals

    def _try_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = True
        loop.call_later(SECONDS_BETWEEN_TRIES, self._run_slice, loop)

    def _commit_slices(self) -> None:
        while (begun := self._slices.get()) is not None:
            loop, outcomes = begun
            try:
                self._transactions.commit()
            except Exception as error:  # noqa: BLE001 - the thread's outer edge
                outcomes = self._refusals(outcomes, error)
            self._turn.release()
            try:
                loop.call_soon_threadsafe(self._answer_slice, loop, outcomes)
            except RuntimeError:
                # The loop has ended, and its callers with it; what they asked for is durable.
                log.info("answers without a reader", units=len(outcomes))

    def _answer_slice(self, loop: asyncio.AbstractEventLoop, outcomes: list[Outcome]) -> None:
        self._committing = False
        _settle_all(outcomes)
        if self._waiting and not self._scheduled:
            # At once: this slice is committed while those callers get their answers.
            self._run_slice(loop)

    def _refusals(self, outcomes: list[Outcome], error: Exception) -> list[Outcome]:
        if isinstance(error, Unavailable):
            return [(reply, Unavailable(str(error))) for reply, _ in outcomes]
        refusal = self._transactions.abandon(error)
        return [(reply, refusal()) for reply, _ in outcomes]

    # -- for threads

    def submit_from_thread(self, unit: Callable[[apsw.Connection], T]) -> Future[T]:
        """Run *unit* in the writer's thread, as `submit` does, for a caller without an event loop."""
        reply: Future[object] = Future()
        with self._closing:
            if self._closed:
                raise _stopping()
            self._from_threads.put((unit, reply))
        return cast("Future[T]", reply)

    def alone(self, act: Callable[[], T]) -> T:
        """Return what *act* gives, while no transaction is under way or begun; for a thread that may wait."""
        with self._turn:
            return act()

    def _serve_threads(self) -> None:
        stopping = False
        while not stopping:
            first = self._from_threads.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < BATCH_UNITS:
                try:
                    more = self._from_threads.get_nowait()
                except Empty:
                    break
                if more is None:
                    stopping = True
                    break
                batch.append(more)
            with self._turn:
                results = self._run_batch([unit for unit, _ in batch])
            for (_, reply), result in zip(batch, results, strict=True):
                # Not so where the caller has cancelled it.
                if reply.set_running_or_notify_cancel():
                    _settle(reply, result)

    def _run_batch(self, units: list[Unit]) -> list[object]:
        tired_at = time.monotonic() + self._patience_seconds
        while True:
            try:
                self._transactions.begin()
                results = [self._transactions.run(unit) for unit in units]
                self._transactions.commit()
            except Unavailable as error:
                return [Unavailable(str(error)) for _ in units]
            except Exception as error:  # noqa: BLE001 - the thread's outer edge
                if isinstance(error, apsw.BusyError) and time.monotonic() < tired_at:
                    time.sleep(SECONDS_BETWEEN_TRIES)
                    continue
                refusal = self._transactions.abandon(error)
                return [refusal() for _ in units]
            else:
                return results


def _stopping() -> Unavailable:
    return Unavailable("nothing can be recorded: the daemon is stopping")


def _settle_all(outcomes: list[Outcome]) -> None:
    for reply, result in outcomes:
        if not reply.done():
            _settle(reply, result)


def _settle(reply: AsyncReply | Future[object], result: object) -> None:
    if isinstance(result, Exception):
        reply.set_exception(result)
    else:
        reply.set_result(result)
