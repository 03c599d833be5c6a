"""kill -9 under writers: what was acknowledged is there once, and the store is whole.

``HECATE_CRASH_ROUNDS`` says how often the daemon is killed (3), ``HECATE_CRASH_SEED`` when.
With ``-s`` the figures are shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest

from hecate.dossiers.event_store import EventStore, NewEvent
from tests.dossiers.crash_rig import Crashed, CrashRig
from tests.dossiers.oracle import wrongs

ROUNDS = int(os.environ.get("HECATE_CRASH_ROUNDS", "3"))
SEED = int(os.environ.get("HECATE_CRASH_SEED", "1"))

pytestmark = pytest.mark.timeout(60 + 20 * ROUNDS)


@pytest.fixture(scope="module")
def crashed() -> Iterator[Crashed]:
    """Give a store that has been through it all."""
    with TemporaryDirectory(prefix="hecate-") as folder:
        crashed = CrashRig(Path(folder), ROUNDS, SEED).run()
        print(f"\n{crashed.in_words}")  # noqa: T201
        yield crashed


def test_nothing_is_lost_nothing_is_twice_and_all_is_whole(crashed: Crashed) -> None:
    """After each kill, at the end when every command was answered, and when some are repeated."""
    assert crashed.wrongs == []
    assert crashed.journal.open == []
    assert crashed.open_at_kills > 0, "nothing was under way at any kill: that proves nothing"
    assert len(crashed.journal.acknowledged) > ROUNDS * 100
    assert wrongs(crashed.database, crashed.journal) == []


UNLOCK = "DROP TRIGGER events_never_change; DROP TRIGGER events_never_go;"


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("DELETE FROM events WHERE position = (SELECT max(position) FROM events)", "acknowledged and not there"),
        ("DELETE FROM events WHERE position = 50", "acknowledged and not there"),
        ("DELETE FROM events WHERE position = 50", "positions have a gap"),
        ("DELETE FROM events WHERE position = 50", "the chain is broken at 51"),
        ("UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 50", "the chain is broken at 50"),
        ("UPDATE events SET version = version + 1 WHERE position = (SELECT max(position) FROM events)", "has a gap"),
        ("UPDATE divisions SET name = 'other' WHERE name = 'writer-1-1'", "the read model divisions is not the fold"),
        ("DELETE FROM processes WHERE state = 'completed'", "the read model processes is not the fold"),
    ],
)
def test_what_is_wrong_would_be_seen(crashed: Crashed, tmp_path: Path, damage: str, wrong: str) -> None:
    """The control: the same judge, before a store in which one thing was done on purpose."""
    database = copy_of(crashed.database, tmp_path)
    with closing(apsw.Connection(str(database))) as db:
        db.execute(UNLOCK + damage)
        assert db.changes() > 0
    assert [sentence for sentence in wrongs(database, crashed.journal) if wrong in sentence]


def test_a_command_that_was_carried_out_twice_would_be_seen(crashed: Crashed, tmp_path: Path) -> None:
    """The control: its second event is in its place in the chain, and still one too many."""
    database = copy_of(crashed.database, tmp_path)
    with closing(EventStore.open(database)) as store:
        event = store.read_from_thread(lambda db: store.events_after(db, store.head - 1)[0]).result(10)
        again = [NewEvent(event.type, event.data)]
        store.writer.submit_from_thread(lambda db: store.append(db, event.stream, again)).result(10)
    assert [sentence for sentence in wrongs(database, crashed.journal) if "events for" in sentence]


def copy_of(database: Path, folder: Path) -> Path:
    """Return a copy of the store, with what is in its write-ahead log."""
    copy = folder / database.name
    for suffix in ("", "-wal"):
        part = Path(f"{database}{suffix}")
        if part.exists():
            Path(f"{copy}{suffix}").write_bytes(part.read_bytes())
    return copy
