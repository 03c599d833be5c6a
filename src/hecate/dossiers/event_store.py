"""The event log: one SQLite file, written by one thread, read by everyone at any time."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import apsw

from hecate.dossiers.errors import Unavailable, VersionMoved
from hecate.dossiers.hash_chain import GENESIS, StoredEvent, link
from hecate.dossiers.schema import migrate
from hecate.dossiers.store_check import check_sqlite, check_store
from hecate.dossiers.texts import VentureKeys, redacted
from hecate.dossiers.traces import erase_traces
from hecate.dossiers.transactions import DISK_IS_FULL, Transactions
from hecate.dossiers.writer import Writer

T = TypeVar("T")

READERS = 3
WAL_PAGES_BEFORE_CHECKPOINT = 4000
WRITER_CACHE_KIB = 8192
READER_CACHE_KIB = 2048
BUSY_MILLISECONDS = 5000
EVENTS_A_READ = 1000
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
NEWEST_EVENTS = 5_000
"""So many are looked at for the latest time: a few milliseconds' worth."""
ROOM_BYTES = 1024 * 1024
"""With less than this free, a disk that was full still is."""


class NewEvent(NamedTuple):
    """An event on its way into the log: its stored name and its fields as JSON."""

    type: str
    data: str
    event_id: str = ""
    """Made by the store where empty."""
    texts: str = ""
    """Where its texts are, as `hecate.dossiers.texts.texts_of` says; empty: it has none."""


class Appended(NamedTuple):
    """What the log says of an event that it has taken.  ``recorded_at`` is in milliseconds since 1970, UTC."""

    position: int
    version: int
    event_id: str
    recorded_at: int


class Watch(NamedTuple):
    """Sees to it that its loop hears of durable events; made by `EventStore.watching`."""

    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event
    types: frozenset[str] | None
    """Of which stored names; None: of all."""

    async def wait(self) -> None:
        """Wait until there may be an event that this was not told of before; returns at once the first time."""
        await self.woken.wait()
        self.woken.clear()


def now_milliseconds() -> int:
    """Return the time as milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class EventStore:
    """An append-only log of events in named streams, each with versions from 1 without a gap.

    Positions count all events from 1, without a gap, in the order of their commits: whoever
    has read up to a position has missed nothing before it.

    Use `open`, and `close` at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail: tuple[int, bytes] | None = None
        self._watches: set[Watch] = set()
        self._watching = threading.Lock()
        self._types_appended: set[str] = set()
        """Since the last commit that was told of."""
        self._on_undo: list[Callable[[], None]] = []
        self.keys = VentureKeys()
        """The ventures' keys, for units of the writer only."""
        self._writing = _connect(path, write=True)
        migrate(self._writing)
        self.head = self._read_tail(self._writing)[0]
        """The position of the newest durable event, 0 if there is none."""
        # The writer waits for another program in its own way: a busy loop answers nobody.
        self._writing.set_busy_timeout(0)
        self.writer = Writer(Transactions(self._writing, after_commit=self._announce, after_undo=self._forget))
        self._local = threading.local()
        self._reading: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="hecate-reader")

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the store at *path*, or begin one there.

        Raises:
            Unavailable: The file is damaged, foreign or newer than this code; nothing is changed.
        """
        check_sqlite()
        check_store(path)
        return cls(path)

    def close(self) -> None:
        """Commit what waits and close the file."""
        self.writer.close()
        self._pool.shutdown()
        for db in self._reading:
            db.close()
        self._writing.close()

    # -- writing, in units of the writer only

    def append(
        self,
        db: apsw.Connection,
        stream: str,
        events: Sequence[NewEvent],
        *,
        expected_version: int | None = None,
        venture_id: str = "",
        meta: str = "{}",
        recorded_at: int | None = None,
    ) -> list[Appended]:
        """Append *events* to *stream*, within a unit of the writer.

        Args:
            db: The unit's connection.
            stream: The stream's name.
            events: In their order; may be empty.
            expected_version: The version that the stream must have; None: whichever it has.
            venture_id: The venture that the events are about.
            meta: JSON: who asked, and why.
            recorded_at: Milliseconds since 1970, UTC; None: now.

        Raises:
            VersionMoved: The stream has another version than the expected one.
        """
        if expected_version is None:
            version = self.version_of(db, stream)
        else:
            version = expected_version
            # A taken version is found by the index; a gap needs the question.
            actual = self.version_of(db, stream)
            if actual != version:
                raise VersionMoved(f"{stream} is at version {actual}, not {version}", version=actual)
        return self.append_at(db, stream, version, events, venture_id=venture_id, meta=meta, recorded_at=recorded_at)

    def append_at(
        self,
        db: apsw.Connection,
        stream: str,
        version: int,
        events: Sequence[NewEvent],
        *,
        venture_id: str = "",
        meta: str = "{}",
        recorded_at: int | None = None,
    ) -> list[Appended]:
        """Append *events* after *version*, which the caller knows to be the stream's own."""
        at = now_milliseconds() if recorded_at is None else recorded_at
        position, previous = self._tail or self._read_tail(db)
        appended: list[Appended] = []
        for event in events:
            position += 1
            version += 1
            event_id = event.event_id or os.urandom(16).hex()
            hashed, texts = event.data, None
            if event.texts and venture_id:
                hashed = redacted(event.data, event.texts, self.keys.made(venture_id, db))
                # Where all its texts are empty, there is nothing to forget.
                texts = event.texts if hashed != event.data else None
            row = (position, stream, version, venture_id, event_id, event.type)
            previous = link(previous, (*row, hashed, meta, at))
            db.execute(INSERT, (*row, event.data, meta, at, previous, texts))
            self._types_appended.add(event.type)
            appended.append(Appended(position, version, event_id, at))
        self._tail = (position, previous)
        return appended

    def when_undone(self, forget: Callable[[], None]) -> None:
        """Have *forget* called, in whichever thread writes, when something written was undone."""
        self._on_undo.append(forget)

    # -- reading

    async def read(self, question: Callable[[apsw.Connection], T]) -> T:
        """Run *question* on a read-only connection, in a reader's thread; it never waits for a write.

        All its statements see one state of the store.
        """
        return await asyncio.wrap_future(self.read_from_thread(question))

    def read_from_thread(self, question: Callable[[apsw.Connection], T]) -> Future[T]:
        """Run *question* as `read` does, for a caller without an event loop."""
        try:
            return self._pool.submit(self._ask, question)
        except RuntimeError as error:
            raise Unavailable("nothing can be read: the daemon is stopping") from error

    @staticmethod
    def version_of(db: apsw.Connection, stream: str) -> int:
        """Return the newest version of *stream*, 0 where there is no event."""
        row = db.execute("SELECT max(version) FROM events WHERE stream = ?", (stream,)).fetchone()
        return (row[0] if row else None) or 0

    @staticmethod
    def latest_time(db: apsw.Connection) -> int:
        """Return when the newest events were recorded at the latest, in milliseconds since 1970, UTC; 0 without any.

        The newest is not always the latest: a clock that was wrong may have been put right since.
        """
        sql = "SELECT max(recorded_at) FROM (SELECT recorded_at FROM events ORDER BY position DESC LIMIT ?)"
        latest: int | None = db.execute(sql, (NEWEST_EVENTS,)).get
        return latest or 0

    @staticmethod
    def events_of(db: apsw.Connection, stream: str, after_version: int = 0) -> Iterator[tuple[str, str, int]]:
        """Give type, data and time of each event of *stream* after *after_version*, oldest first."""
        return db.execute(
            "SELECT type, data, recorded_at FROM events WHERE stream = ? AND version > ? ORDER BY version",
            (stream, after_version),
        )

    @staticmethod
    def events_after(
        db: apsw.Connection,
        position: int,
        limit: int = EVENTS_A_READ,
        *,
        types: Iterable[str] = (),
        streams: Iterable[str] = (),
        venture_id: str = "",
        enough_bytes: int | None = None,
    ) -> list[StoredEvent]:
        """Return at most *limit* events after *position*, oldest first.

        Args:
            db: A reader's connection.
            position: The last one that the caller has.
            limit: How many at the most.
            types: Stored names; empty: all.
            streams: Names of streams; empty: all.
            venture_id: Only what is about this venture; empty: all.
            enough_bytes: The event whose data brings the sum to this is the last; None: the number alone counts.
        """
        of_types, of_streams = tuple(types), tuple(streams)
        # A plus before a column keeps SQLite from its index: a stream has few events, a type may have millions.
        plus = "+" if of_streams else ""
        where: list[str] = ["position > ?"]
        bindings: list[object] = [position]
        for column, wanted in ((f"{plus}type", of_types), ("stream", of_streams)):
            if wanted:
                where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                bindings.extend(wanted)
        if venture_id:
            where.append(f"{plus}venture_id = ?")
            bindings.append(venture_id)
        sql = f"SELECT * FROM events WHERE {' AND '.join(where)} ORDER BY position LIMIT ?"  # noqa: S608 - columns are ours
        rows = db.execute(sql, (*bindings, limit))
        if enough_bytes is None:
            return [StoredEvent(*row) for row in rows]
        events: list[StoredEvent] = []
        for row in rows:
            events.append(StoredEvent(*row))
            enough_bytes -= len(events[-1].data)
            if enough_bytes <= 0:
                rows.close()
                break
        return events

    async def wait_past(self, position: int) -> int:
        """Wait until there is a durable event after *position*; return the head's position.

        Nothing but the head is handed over, so that a slow follower costs no memory: it reads
        the events itself, at its own speed.
        """
        if self.head > position:
            return self.head
        with self.watching() as watch:
            while self.head <= position:
                await watch.wait()
        return self.head

    @contextmanager
    def watching(self, types: Iterable[str] | None = None) -> Iterator[Watch]:
        """Have the running loop told of durable events, of *types* or of all, until the end of the block.

        For who follows the log for good: what is of other types costs such a follower nothing.
        """
        watch = Watch(asyncio.get_running_loop(), asyncio.Event(), None if types is None else frozenset(types))
        watch.woken.set()
        with self._watching:
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._watching:
                self._watches.discard(watch)

    def erase_traces(self) -> None:
        """Overwrite what was deleted, while reads go on and writes wait; for a thread.

        Raises:
            Unavailable: The disk refuses, or somebody reads an old state for too long.
        """
        self.writer.alone(lambda: erase_traces(self.path))

    # -- the rest

    @property
    def trouble(self) -> str:
        """Why nothing can be recorded now; empty while all is well."""
        # Whether there is room again is asked of the disk: nobody may have tried to write since.
        is_full = self.writer.is_out_of_room and shutil.disk_usage(self.path).free < ROOM_BYTES
        return self.writer.doubt or (DISK_IS_FULL if is_full else "")

    def _ask(self, question: Callable[[apsw.Connection], T]) -> T:
        db = self._reader()
        db.execute("BEGIN")
        try:
            return question(db)
        finally:
            if db.in_transaction:
                db.execute("COMMIT")

    def _reader(self) -> apsw.Connection:
        db: apsw.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = _connect(self.path, write=False)
            self._local.db = db
            self._reading.append(db)
        return db

    def _read_tail(self, db: apsw.Connection) -> tuple[int, bytes]:
        row = db.execute("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def _announce(self) -> None:
        if self._tail is None:
            # A unit failed after another one of the same transaction had appended.
            self._tail = self._read_tail(self._writing)
        if self._tail[0] == self.head:
            return
        self.head = self._tail[0]
        types, self._types_appended = self._types_appended, set()
        with self._watching:
            watches = [watch for watch in self._watches if watch.types is None or not watch.types.isdisjoint(types)]
        for watch in watches:
            with suppress(RuntimeError):  # the loop has ended, and its watcher with it
                watch.loop.call_soon_threadsafe(watch.woken.set)

    def _forget(self) -> None:
        self._tail = None
        self.keys.clear()
        for forget in self._on_undo:
            forget()


def _connect(path: Path, *, write: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE if write else apsw.SQLITE_OPEN_READONLY
    db = apsw.Connection(str(path), flags=flags)
    db.set_busy_timeout(BUSY_MILLISECONDS)
    if write:
        path.chmod(0o600)
        db.pragma("journal_mode", "wal")
        # FULL, not NORMAL: an event that was answered with "ok" must survive a power cut.
        db.pragma("synchronous", "full")
        # Checkpoints come from the writer alone: readers are read-only connections.
        db.wal_autocheckpoint(WAL_PAGES_BEFORE_CHECKPOINT)
        db.pragma("journal_size_limit", 64 * 1024 * 1024)
        db.pragma("cache_size", -WRITER_CACHE_KIB)
        # What a SAVEPOINT may have to undo: in a file it cost twice the writes of the log itself.
        db.pragma("temp_store", 2)
    else:
        db.pragma("query_only", 1)
        db.pragma("cache_size", -READER_CACHE_KIB)
    return db
