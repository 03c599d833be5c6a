"""What is outside of the store and may hold a forgotten venture's texts: it is named, not erased without a word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from hecate.workspaces.places import LAST_SKELETON, place_of

if TYPE_CHECKING:
    import apsw

DIVISIONS: Final = "SELECT id FROM divisions WHERE venture_id = ?"
ASSIGNED: Final = """
SELECT data ->> 'workspace' FROM events WHERE venture_id = ? AND type IN ('venture_setup_v1', 'workspace_assigned_v1')
"""
OF_DIVISIONS: Final = {
    "releases": "what was built of a division",
    "services": "what its application has written",
    "suites": "reports of its test runs",
}
"""Folders of the data directory in which each division has one of its own."""
SET_ASIDE: Final = {
    "*.damaged-*": "a damaged file that was set aside",
    "replaced-*": "what a restore has put aside",
}
"""What lies in the data directory and may be of any venture."""


class Outside(msgspec.Struct, frozen=True):
    """A place that keeps what it has."""

    path: str
    what: str


def what_stays(db: apsw.Connection, venture_id: str, data_dir: Path, workspaces: Path, releases: Path) -> list[Outside]:
    """Return the places on this machine that may hold *venture_id*'s texts, those that are there.

    Args:
        db: A reader's connection; afterwards nobody knows any more where they are.
        venture_id: A venture that is not forgotten yet.
        data_dir: The daemon's data directory.
        workspaces: Where the workspaces lie that nobody has named.
        releases: Where releases are.
    """
    divisions = [str(division_id) for (division_id,) in db.execute(DIVISIONS, (venture_id,))]
    folders = [place_of(db, venture_id, workspaces).folder, workspaces / venture_id]
    folders += [Path(str(named)) for (named,) in db.execute(ASSIGNED, (venture_id,)) if named]
    for division_id in divisions:
        row = db.execute(LAST_SKELETON, (division_id,)).fetchone()
        folders += [Path(str(row[0]))] if row is not None and row[0] else []
    stays = [Outside(str(folder), "its workspace") for folder in dict.fromkeys(folders) if folder.exists()]
    for pattern, what in SET_ASIDE.items():
        stays += [Outside(str(path), what) for path in sorted(data_dir.glob(pattern))]
    for name, what in OF_DIVISIONS.items():
        parent = releases if name == "releases" else data_dir / name
        stays += [Outside(str(parent / one), what) for one in divisions if (parent / one).exists()]
    return stays
