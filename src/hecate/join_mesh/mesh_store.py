"""The file that remembers what comes from others: ``mesh.db``, peers, their facts, invitations and who was shut out.

Apart from the event store: what peers say is theirs, and no process of this daemon reacts to it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import apsw

from hecate.dossiers.errors import Unavailable

T = TypeVar("T")

DATABASE_NAME: Final = "mesh.db"
APPLICATION_ID: Final = 0x4845434D
"""``HECM`` in the file's header."""
BUSY_MILLISECONDS: Final = 5000
DAY_SECONDS: Final = 86_400

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS peers (
    did        TEXT    PRIMARY KEY,
    name       TEXT    NOT NULL,
    addresses  TEXT    NOT NULL,  -- separated by spaces
    first_seen INTEGER NOT NULL,  -- milliseconds since 1970, UTC
    last_seen  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The facts that peers share, as their origin has signed them.
CREATE TABLE IF NOT EXISTS facts (
    origin      TEXT    NOT NULL,
    venture_id  TEXT    NOT NULL,
    position    INTEGER NOT NULL,  -- in the origin's event log
    previous    INTEGER NOT NULL,  -- of the fact before it, 0 for the first
    event_id    TEXT    NOT NULL,
    stream      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    signature   BLOB    NOT NULL,
    PRIMARY KEY (origin, venture_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS facts_kept (
    origin TEXT    PRIMARY KEY,
    bytes  INTEGER NOT NULL       -- of all its facts above
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS invitations (
    secret_hash BLOB    PRIMARY KEY,
    expires_at  INTEGER NOT NULL  -- seconds since 1970, UTC
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS shut_out (
    did       TEXT    PRIMARY KEY,
    at        INTEGER NOT NULL,   -- milliseconds since 1970, UTC
    signature BLOB    NOT NULL    -- the realm's authority's
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tokens_used (
    did    TEXT    NOT NULL,
    day    INTEGER NOT NULL,      -- days since 1970, UTC
    tokens INTEGER NOT NULL,
    PRIMARY KEY (did, day)
) STRICT, WITHOUT ROWID;
"""

ROW_BYTES: Final = 200
"""What a fact takes besides its texts: numbers, signature, index."""
SIZE: Final = f"octet_length(data) + octet_length(stream) + octet_length(type) + octet_length(event_id) + {ROW_BYTES}"
VERSION: Final = 1
"""Of the file: 1 has counted the bytes of each origin."""
KEEP_FACT: Final = f"INSERT OR IGNORE INTO facts VALUES (?,?,?,?,?,?,?,?,?,?,?) RETURNING origin, {SIZE}"  # noqa: S608 - ours
COUNT_ALL: Final = f"INSERT OR REPLACE INTO facts_kept SELECT origin, sum({SIZE}) FROM facts GROUP BY origin"  # noqa: S608 - ours


class KnownPeer(NamedTuple):
    """A daemon of the realm that was seen once.  Times are milliseconds since 1970, UTC."""

    did: str
    name: str
    addresses: str
    first_seen: int
    last_seen: int


class KeptFact(NamedTuple):
    """A fact of a peer's shared venture, as it is stored."""

    origin: str
    venture_id: str
    position: int
    previous: int
    event_id: str
    stream: str
    version: int
    type: str
    data: str
    recorded_at: int
    signature: bytes


class MeshStore:
    """The open file; all of its work is done on one thread, in the order in which it was asked for.

    Raises:
        Unavailable: The file cannot be opened, or is another program's.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = apsw.Connection(str(path))
            path.chmod(0o600)
            self._db.set_busy_timeout(BUSY_MILLISECONDS)
            if int(self._db.pragma("application_id")) not in {0, APPLICATION_ID}:
                raise Unavailable(f"{path} is no file of Hecate's mesh")
            self._db.pragma("journal_mode", "wal")
            # A fact that was kept is asked for no more, and an invitation used once must stay used.
            self._db.pragma("synchronous", "full")
            with self._db:
                self._db.execute(SCHEMA)
                if int(self._db.pragma("user_version")) < VERSION:
                    self._db.execute(COUNT_ALL)
                    self._db.pragma("user_version", VERSION)
                self._db.pragma("application_id", APPLICATION_ID)
        except (apsw.Error, OSError) as exc:
            raise Unavailable(f"cannot open {path}: {exc}") from exc
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hecate-mesh-store")

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do *work* in one transaction.

        Raises:
            Unavailable: The disk refuses, or the daemon is stopping.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_transaction, work)
        except apsw.Error as exc:
            raise Unavailable(f"the mesh's file cannot be used: {exc}") from exc
        except RuntimeError as exc:
            raise Unavailable("the daemon is stopping") from exc

    def close(self) -> None:
        """Do what waits, and close the file."""
        self._thread.shutdown()
        self._db.close()

    def _in_transaction(self, work: Callable[[apsw.Connection], T]) -> T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            done = work(self._db)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return done


# -- what is asked of it


def known_peers(db: apsw.Connection) -> list[KnownPeer]:
    """Return every daemon that was ever seen, the latest first."""
    return [KnownPeer(*row) for row in db.execute("SELECT * FROM peers ORDER BY last_seen DESC LIMIT 1000")]


def saw_peers(db: apsw.Connection, peers: Iterable[KnownPeer]) -> None:
    """Keep where *peers* were seen; ``first_seen`` is what it was."""
    db.executemany(
        "INSERT INTO peers VALUES (?, ?, ?, ?, ?) ON CONFLICT (did) DO UPDATE SET "
        "name = excluded.name, addresses = excluded.addresses, last_seen = excluded.last_seen",
        peers,
    )


def invite(db: apsw.Connection, secret_hash: bytes, expires_at: int) -> None:
    """Keep an invitation, and forget those that have expired."""
    db.execute("DELETE FROM invitations WHERE expires_at < ?", (int(time.time()),))
    db.execute("INSERT INTO invitations VALUES (?, ?)", (secret_hash, expires_at))


def open_invitations(db: apsw.Connection) -> list[int]:
    """Return when each invitation that holds expires, in seconds since 1970, UTC."""
    now = int(time.time())
    return [at for (at,) in db.execute("SELECT expires_at FROM invitations WHERE expires_at >= ?", (now,))]


def take_invitation(db: apsw.Connection, secret_hash: bytes) -> bool:
    """Use an invitation up, and return whether it was there and held."""
    db.execute("DELETE FROM invitations WHERE expires_at < ?", (int(time.time()),))
    db.execute("DELETE FROM invitations WHERE secret_hash = ?", (secret_hash,))
    return db.changes() == 1


def shut_out(db: apsw.Connection) -> list[tuple[str, int, bytes]]:
    """Return who was shut out, of this realm or an earlier one: identity, when, and the authority's signature."""
    return [(did, at, signature) for did, at, signature in db.execute("SELECT * FROM shut_out ORDER BY at")]


def keep_shut_out(db: apsw.Connection, statements: Iterable[tuple[str, int, bytes]]) -> None:
    """Keep that these are shut out."""
    db.executemany("INSERT OR REPLACE INTO shut_out VALUES (?, ?, ?)", statements)


def newest_fact(db: apsw.Connection, origin: str, venture_id: str) -> int:
    """Return the position of the newest fact that is kept of a shared venture, 0 if there is none."""
    sql = "SELECT max(position) FROM facts WHERE origin = ? AND venture_id = ?"
    row = db.execute(sql, (origin, venture_id)).fetchone()
    return (row[0] if row else None) or 0


def kept_bytes(db: apsw.Connection, origin: str) -> int:
    """Return how much is kept of the facts of *origin*."""
    row = db.execute("SELECT bytes FROM facts_kept WHERE origin = ?", (origin,)).fetchone()
    return row[0] if row else 0


def keep_facts(db: apsw.Connection, facts: Iterable[KeptFact]) -> None:
    """Keep *facts*, whose order and signatures were checked."""
    sizes: Counter[str] = Counter()
    for fact in facts:
        # Only what was not there is counted.
        for origin, size in db.execute(KEEP_FACT, fact):
            sizes[origin] += size
    db.executemany(
        "INSERT INTO facts_kept VALUES (?, ?) ON CONFLICT (origin) DO UPDATE SET bytes = bytes + excluded.bytes",
        sizes.items(),
    )


def facts_after(db: apsw.Connection, origin: str, venture_id: str, position: int, limit: int) -> list[KeptFact]:
    """Return at most *limit* kept facts of a venture after *position*."""
    sql = "SELECT * FROM facts WHERE origin = ? AND venture_id = ? AND position > ? ORDER BY position LIMIT ?"
    return [KeptFact(*row) for row in db.execute(sql, (origin, venture_id, position, limit))]


def tokens_used(db: apsw.Connection, did: str, day: int) -> int:
    """Return how many tokens of our models *did* has used on *day*, counted from 1970, UTC."""
    row = db.execute("SELECT tokens FROM tokens_used WHERE did = ? AND day = ?", (did, day)).fetchone()
    return row[0] if row else 0


def use_tokens(db: apsw.Connection, did: str, day: int, tokens: int) -> None:
    """Count *tokens* that *did* has used."""
    db.execute(
        "INSERT INTO tokens_used VALUES (?, ?, ?) "
        "ON CONFLICT (did, day) DO UPDATE SET tokens = tokens + excluded.tokens",
        (did, day, tokens),
    )


def today() -> int:
    """Return how many days there have been since 1970, UTC."""
    return int(time.time()) // DAY_SECONDS
