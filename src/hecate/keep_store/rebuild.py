"""Folds read models anew while they serve, and swaps the tables.

The events are folded into a file of its own, the rows copied beside the tables in use, a few hundred a transaction;
what has happened meanwhile is added, and then the tables change places.  All of it comes from another process than
the daemon's: its event loop shares no interpreter with the fold, and its writer waits at most for one short
transaction at a time.  A kill leaves the old tables in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, cast

import apsw

from hecate.dossiers.dossier import Progress
from hecate.dossiers.errors import NotFound, Refused, Unavailable
from hecate.dossiers.fold import Folding, with_what_they_read
from hecate.dossiers.read_model import ReadModel
from hecate.dossiers.store_check import check_sqlite, check_store
from hecate.keep_store.data_files import EVENTS, is_served
from hecate.keep_store.shadow_tables import ShadowTables, drop_leftovers, immediate
from hecate.keep_store.whole_or_nothing import workshop

EVENTS_A_TURN: Final = 200
"""As many events may be missing when the tables change places; their fold is what a writer waits for."""
BUSY_MILLISECONDS: Final = 10_000


class Rebuilt(NamedTuple):
    """What a rebuild has done."""

    read_models: tuple[str, ...]
    events: int
    """How many were folded, each once for every group of read models that read each other."""
    longest_hold_seconds: float
    """For how long, at the most, no one else could write."""


def rebuild(
    data_dir: Path,
    folding: Folding,
    read_models: Sequence[ReadModel],
    names: Sequence[str] = (),
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Rebuilt:
    """Fold the read models called *names*, and those that they read, anew; without names, all.

    Args:
        data_dir: Its daemon may run, if it is of this version.
        folding: Reads the events.
        read_models: All that the daemon has.
        names: Which of them.
        tell: Called with a few words at each step.

    Raises:
        NotFound: There is no such read model, or no store.
        Refused: The store's tables are of another version of Hecate, or another rebuild is under way.
        Unavailable: The disk refuses, or the daemon holds the store for longer than some seconds.
    """
    check_sqlite()
    chosen = _chosen(read_models, names)
    path = data_dir / EVENTS
    if not path.is_file():
        raise NotFound(f"there is no store in {data_dir}; --data-dir says where the daemon keeps its data")
    if not is_served(data_dir):
        # A daemon has looked at its log before it opened it.
        check_store(path)
    try:
        with workshop(data_dir / "rebuild") as folder, closing(_connected(path)) as db:
            _check_fingerprints(db, chosen)
            done = [
                _rebuild_together(db, folder / f"{group[0].name}.db", folding, group, tell) for group in _groups(chosen)
            ]
    except apsw.BusyError as exc:
        raise Unavailable(f"another program is writing to {path} all the time; nothing was changed") from exc
    except apsw.Error as exc:
        raise Unavailable(f"the read models cannot be folded anew: {exc}; those in use were left as they are") from exc
    return Rebuilt(
        tuple(model.name for model in chosen),
        sum(turns.events for turns in done),
        max(turns.longest_hold_seconds for turns in done),
    )


def _groups(chosen: Sequence[ReadModel]) -> Sequence[Sequence[ReadModel]]:
    """Return *chosen* in groups that read each other's tables: the smaller a group, the shorter its swap."""
    groups: list[list[ReadModel]] = []
    for model in chosen:
        together = [group for group in groups if any(_are_related(model, other) for other in group)]
        groups = [group for group in groups if group not in together]
        groups.append([*(other for group in together for other in group), model])
    return groups


def _are_related(one: ReadModel, other: ReadModel) -> bool:
    return one.name in other.after or other.name in one.after


def _rebuild_together(
    db: apsw.Connection, scratch_path: Path, folding: Folding, group: Sequence[ReadModel], tell: Callable[[str], None]
) -> _Turns:
    names = ", ".join(model.name for model in group)
    turns = _Turns(db, folding, group)
    with closing(_scratch(scratch_path)) as scratch:
        tell(f"folding {names}")
        turns.fold_all(scratch)
        tell(f"copying {names}")
        turns.fill_shadows(scratch)
    tell(f"swapping {names}")
    turns.catch_up_and_swap()
    turns.drop_old()
    return turns


class _Turns:
    """The steps of one rebuild, each of which takes up where the one before it ended."""

    def __init__(self, db: apsw.Connection, folding: Folding, chosen: Sequence[ReadModel]) -> None:
        self.events = 0
        self.longest_hold_seconds = 0.0
        self._db = db
        self._folding = folding
        self._chosen = chosen
        self._standing: dict[str, Progress] = {}
        self._position = 0
        self._shadows = ShadowTables(())

    def fold_all(self, scratch: apsw.Connection) -> None:
        """Fold the events there are into *scratch*."""
        with scratch:
            for model in self._chosen:
                scratch.execute(model.schema)
            self._fold(scratch, _head(self._db))

    def fill_shadows(self, scratch: apsw.Connection) -> None:
        """Copy what was folded beside the tables in use."""
        self._shadows = ShadowTables.make(self._db, self._chosen)
        self._hold(self._shadows.fill(self._db, scratch))

    def catch_up_and_swap(self) -> None:
        """Add what has happened meanwhile, some hundred events at a time, and let the tables change places."""
        is_last = False
        while not is_last:
            with immediate(self._db) as turn:
                head = _head(self._db)
                is_last = head - self._position <= EVENTS_A_TURN
                # The projections know the tables by their names: the shadows bear them within this transaction.
                self._shadows.swap(self._db)
                self._fold(self._db, min(head, self._position + EVENTS_A_TURN))
                if not is_last:
                    self._shadows.swap_back(self._db)
            self._hold(turn.rest())

    def drop_old(self) -> None:
        """Drop what is no longer in use."""
        self._hold(drop_leftovers(self._db))

    def _hold(self, seconds: float) -> None:
        self.longest_hold_seconds = max(self.longest_hold_seconds, seconds)

    def _fold(self, target: apsw.Connection, until: int) -> None:
        self.events += self._folding.fold(
            self._db, target, self._chosen, after=self._position, until=until, standing=self._standing
        )
        self._position = until


def _chosen(read_models: Sequence[ReadModel], names: Sequence[str]) -> Sequence[ReadModel]:
    if unknown := sorted(set(names) - {model.name for model in read_models}):
        known = ", ".join(sorted(model.name for model in read_models))
        raise NotFound(f"there is no read model {unknown[0]!r}; there are {known}")
    return with_what_they_read(set(names), read_models) if names else read_models


def _check_fingerprints(db: apsw.Connection, chosen: Sequence[ReadModel]) -> None:
    stored: dict[object, object] = dict(db.execute("SELECT name, fingerprint FROM read_models"))
    other = sorted(model.name for model in chosen if stored.get(model.name) != model.fingerprint)
    if other:
        raise Refused(
            f"the read models {', '.join(other)} are of another version of Hecate than this command; a start of the "
            "daemon folds them"
        )


def _head(db: apsw.Connection) -> int:
    ((position,),) = db.execute("SELECT coalesce(max(position), 0) FROM events")
    return cast("int", position)


def _connected(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    db.set_busy_timeout(BUSY_MILLISECONDS)
    # The daemon's next commit brings ours to the disk; until then a power cut leaves the old tables.
    db.pragma("synchronous", "normal")
    # Checkpoints come from the daemon's writer alone.
    db.wal_autocheckpoint(0)
    # Tables are renamed one by one, and nothing in the schema refers to one.
    db.pragma("legacy_alter_table", 1)
    return db


def _scratch(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "off")
    db.pragma("synchronous", "off")
    return db
