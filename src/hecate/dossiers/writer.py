"""The one writer: a thread that commits many units of work in one transaction.

A unit is a function of the connection.  Units that wait are drained into one transaction, so
that one ``fsync`` serves them all, but each runs in a SAVEPOINT of its own: a refused unit is
undone alone.  Callers hear of their unit only after COMMIT.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

import apsw
import structlog

from hecate.dossiers.errors import HecateError, Unavailable

T = TypeVar("T")
Unit = Callable[[apsw.Connection], object]
Reply = asyncio.Future[object] | Future[object]
Outcome = tuple[Reply, object]

BATCH_UNITS = 256

log = structlog.get_logger(__name__)


class Writer:
    """Runs units of work on *connection*, which nothing else may write to.

    Args:
        connection: Open, in autocommit mode; used by the writer's thread only.
        after_commit: Called in the writer's thread when a transaction is durable.
        after_undo: Called in the writer's thread when a unit failed half-way or a transaction
            was undone: caches must forget.  Not called for a `HecateError`, which a unit
            raises before it writes.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        *,
        after_commit: Callable[[], None],
        after_undo: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._after_commit = after_commit
        self._after_undo = after_undo
        self._queue: SimpleQueue[tuple[Unit, Reply] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._doubt = ""
        self._thread = threading.Thread(target=self._run, name="hecate-writer", daemon=True)
        self._thread.start()

    @property
    def doubt(self) -> str:
        """Why nothing is written any more; empty while all is well."""
        return self._doubt

    async def submit(self, unit: Callable[[apsw.Connection], T]) -> T:
        """Run *unit* and return what it gives once that is durable.

        A cancelled caller does not undo a unit that is under way.

        Raises:
            HecateError: Raised by the unit, which is undone.
            Unavailable: The daemon is stopping, or the disk refused.
        """
        reply: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._put(unit, reply)
        return cast("T", await reply)

    def submit_from_thread(self, unit: Callable[[apsw.Connection], T]) -> Future[T]:
        """Run *unit*, as `submit` does, for a caller without an event loop."""
        reply: Future[object] = Future()
        self._put(unit, reply)
        return cast("Future[T]", reply)

    def close(self) -> None:
        """Commit what waits, then end the thread.  Later units are refused."""
        with self._closing:
            already, self._closed = self._closed, True
            if not already:
                self._queue.put(None)
        self._thread.join()

    def _put(self, unit: Unit, reply: Reply) -> None:
        with self._closing:
            if self._closed:
                raise Unavailable("nothing can be recorded: the daemon is stopping")
            self._queue.put((unit, reply))

    def _run(self) -> None:
        stopping = False
        while not stopping:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < BATCH_UNITS:
                try:
                    more = self._queue.get_nowait()
                except Empty:
                    break
                if more is None:
                    stopping = True
                    break
                batch.append(more)
            try:
                outcomes = self._commit(batch)
            except Exception as error:  # noqa: BLE001 - the thread's outer edge: without it nobody is ever answered
                outcomes = self._abandon(batch, error)
            self._answer(outcomes)

    def _commit(self, batch: list[tuple[Unit, Reply]]) -> list[Outcome]:
        if self._doubt:
            return [(reply, Unavailable(f"nothing can be recorded: {self._doubt}")) for _, reply in batch]
        execute = self._connection.execute
        outcomes: list[Outcome] = []
        try:
            execute("BEGIN IMMEDIATE")
            for unit, reply in batch:
                outcomes.append((reply, self._run_unit(unit)))
            execute("COMMIT")
        except apsw.Error as error:
            return self._abandon(batch, error)
        self._after_commit()
        return outcomes

    def _run_unit(self, unit: Unit) -> object:
        execute = self._connection.execute
        execute("SAVEPOINT unit")
        try:
            result = unit(self._connection)
        except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError):
            raise
        except Exception as error:  # noqa: BLE001 - an outer edge: it goes to the caller, as it is
            execute("ROLLBACK TO unit")
            execute("RELEASE unit")
            if not isinstance(error, HecateError):
                self._after_undo()
            return error
        execute("RELEASE unit")
        return result

    def _abandon(self, batch: list[tuple[Unit, Reply]], error: Exception) -> list[Outcome]:
        """Undo the transaction and tell everybody in it that nothing was recorded."""
        log.error("transaction abandoned", error=repr(error), units=len(batch))
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._after_undo()
        if not isinstance(error, (apsw.FullError, apsw.BusyError)):
            # After a failed write or sync nobody knows what the disk holds: a restart reads it anew.
            self._doubt = f"the store is in doubt since an error ({error}); restart the daemon"
        reason = "the disk is full" if isinstance(error, apsw.FullError) else str(error)
        return [(reply, Unavailable(f"nothing was recorded: {reason}")) for _, reply in batch]

    def _answer(self, outcomes: list[Outcome]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = defaultdict(list)
        for reply, result in outcomes:
            if isinstance(reply, Future):
                _settle(reply, result)
            else:
                by_loop[reply.get_loop()].append((reply, result))
        for loop, its_outcomes in by_loop.items():
            try:
                loop.call_soon_threadsafe(_settle_all, its_outcomes)
            except RuntimeError:
                # The loop has ended, and its callers with it; what they asked for is durable.
                log.info("answers without a reader", units=len(its_outcomes))


def _settle_all(outcomes: list[Outcome]) -> None:
    for reply, result in outcomes:
        if not reply.done():
            _settle(reply, result)


def _settle(reply: Reply, result: object) -> None:
    if isinstance(result, Exception):
        reply.set_exception(result)
    else:
        reply.set_result(result)
