"""The peer of every durable command: SQLite alone, one row and one transaction at a time.

The same SQLite (apsw), the same settings (WAL, ``synchronous=FULL``, the same checkpoints), a
row of the columns and the size of the daemon's own events; but no HTTP, no decision, no read
model, no hash, no further index.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import apsw

from bench.rig.figures import percentile
from hecate.dossiers.event_store import WAL_PAGES_BEFORE_CHECKPOINT

SCHEMA = """
CREATE TABLE events (
    position    INTEGER PRIMARY KEY,
    stream      TEXT    NOT NULL,
    version     INTEGER NOT NULL,
    venture_id  TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    meta        TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    UNIQUE (stream, version)
) STRICT
"""
DATA = (
    '{"aggregate_id":"agg-5nq3k2w7x4tb6a7d","aggregate_name":"aggregate-000000001","stream_pattern":"",'
    '"status_flags":[],"description":"what the aggregate keeps together, and which rules it holds"}'
)
META = '{"correlation_id":"3e5683c711a21f17","actor":{"uid":1000,"pid":100000}}'
STREAMS = 32


class Inserts(NamedTuple):
    """What came of it.  Latencies are in milliseconds."""

    rate: float
    p50: float
    p99: float


def insert_for(seconds: float, place: Path) -> Inserts:
    """Insert rows for *seconds* into a new file in *place*, each in a transaction of its own."""
    db = apsw.Connection(str(place / "raw.db"))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full")
    db.wal_autocheckpoint(WAL_PAGES_BEFORE_CHECKPOINT)
    db.execute(SCHEMA)
    execute, clock = db.execute, time.perf_counter
    latencies: list[float] = []
    before = started = clock()
    position = 0
    while before < started + seconds:
        position += 1
        stream = f"design-div-{position % STREAMS}"
        row = (position, stream, position // STREAMS, "v-8dd8dd2886806d05", f"{position:032x}", "aggregate_designed_v1")
        execute("BEGIN IMMEDIATE")
        execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, DATA, META, 1_795_567_812_665, b"%032d" % position),
        )
        execute("COMMIT")
        now = clock()
        latencies.append(now - before)
        before = now
    db.close()
    latencies.sort()
    return Inserts(
        len(latencies) / (before - started), percentile(latencies, 0.5) * 1000, percentile(latencies, 0.99) * 1000
    )
