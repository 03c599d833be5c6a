"""Where a venture's workspace is, and where in it a division's project lies."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hecate.dossiers.errors import NotFound

if TYPE_CHECKING:
    import apsw

VENTURE_OF_WORKSPACE = "SELECT workspace FROM ventures WHERE id = ?"
DIVISION_NAME = "SELECT name FROM divisions WHERE id = ?"

LAST_SKELETON = """
SELECT data ->> 'workspace', data ->> 'project' FROM events
WHERE stream = 'generation-' || ? AND type = 'skeleton_generated_v1' ORDER BY version DESC LIMIT 1
"""
"""Where the division's code was last generated: processes meet by stored names."""

_NOT_OF_A_WORD = re.compile(r"[^a-z0-9]+")


class Place(NamedTuple):
    """Where a venture's workspace is."""

    folder: Path
    is_named: bool
    """Whether a person has named it; else it is in our own directory."""


def place_of(db: apsw.Connection, venture_id: str, default: Path) -> Place:
    """Return the workspace of a venture; one without a name of its own is in *default*, under the venture's id.

    Raises:
        NotFound: There is no such venture.
    """
    row = db.execute(VENTURE_OF_WORKSPACE, (venture_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no venture {venture_id!r}")
    named: str = row[0]
    return Place(Path(named), is_named=True) if named else Place(default / venture_id, is_named=False)


def project_folder(db: apsw.Connection, division_id: str) -> str:
    """Return the name of the folder of a division's project, in its venture's workspace.

    Raises:
        NotFound: There is no such division.
    """
    row = db.execute(DIVISION_NAME, (division_id,)).fetchone()
    if row is None:
        raise NotFound(f"there is no division {division_id!r}")
    return folder_name(row[0], otherwise=division_id)


class Written(NamedTuple):
    """Where the code of a division was generated."""

    workspace: str
    """An absolute path; empty: the venture's workspace."""
    project: str
    """A path in it."""


def written_project(db: apsw.Connection, division_id: str) -> Written:
    """Return where a division's code was generated last; where it was not yet, the place that it would have.

    Raises:
        NotFound: There is no such division.
    """
    row = db.execute(LAST_SKELETON, (division_id,)).fetchone()
    return Written("", project_folder(db, division_id)) if row is None else Written(row[0] or "", row[1])


def workspace_written_to(db: apsw.Connection, division_id: str) -> str:
    """Return the folder that a division's code was generated into last; empty: the venture's workspace, or none yet."""
    row = db.execute(LAST_SKELETON, (division_id,)).fetchone()
    return "" if row is None else row[0] or ""


def folder_name(name: str, *, otherwise: str) -> str:
    """Return *name* in lower-case letters, digits and dashes, or *otherwise* where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_OF_A_WORD.sub("-", plain).strip("-")[:60].strip("-") or otherwise
