"""Query: what a commit has changed that a division's jobs have made.

GET /api/divisions/{division_id}/commits/{commit}
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hecate.child_processes.child_process import run_child
from hecate.dossiers.engine import Engine
from hecate.dossiers.errors import NotFound
from hecate.endpoints import Call, Route
from hecate.jobs.job import Surroundings
from hecate.workspaces.places import place_of, workspace_written_to
from hecate.workspaces.repository import Author, Captured, Repository
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import apsw

MOST_LINES = 20_000
"""Of a diff; at 8 KiB a line at most, and mostly far fewer, it is what a browser can still show."""
MOST_CHARACTERS = 1_000_000

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
VENTURE_OF_DIVISION = "SELECT venture_id FROM divisions WHERE id = ?"
COMMITTED = """
SELECT data ->> 'workspace' FROM events
WHERE stream IN ('generation-' || ?1, 'rescue-' || ?1, 'deployment-' || ?1) AND data ->> 'commit' = ?2
ORDER BY position LIMIT 1
"""


class CommitShown(msgspec.Struct, kw_only=True):
    """The answer to ``GET /api/divisions/{division_id}/commits/{commit}``."""

    ok: bool
    commit: str
    subject: str
    """The first line of its message."""
    diff: str
    """As git prints it, against the commit before."""
    truncated: bool
    """Whether there was more than is shown."""


class _Place(NamedTuple):
    folder: Path
    is_named: bool


class _BoundedRun:
    """Runs git for a caller who waits, and keeps no more of what it prints than is shown."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.was_more = False

    async def capture(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        timeout_seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
        given: bytes | None = None,
    ) -> Captured:
        """Run *command* to its end."""
        lines: list[str] = []
        characters = 0

        def keep(more: Sequence[str]) -> None:
            nonlocal characters
            for line in more:
                characters += len(line) + 1
                if len(lines) >= MOST_LINES or characters > MOST_CHARACTERS:
                    self.was_more = True
                    return
                lines.append(line)

        end = await run_child(
            command,
            mark=f"{self._surroundings.store_mark}/commit/{secrets.token_hex(8)}/",
            folder=folder,
            timeout_seconds=timeout_seconds,
            on_lines=keep,
            environment=environment,
            given=given,
            own_parent=False,
            confinement=replace(self._surroundings.confinement, sandbox=None),
        )
        return Captured(end, "\n".join(lines))


async def show_commit(call: Call) -> Mapping[str, Any]:
    """Show what a commit has changed, one that is recorded of the division: of no other in the repository.

    Raises:
        NotFound: There is no such division, or it has no such commit.
        Refused: The workspace is gone, or git fails.
    """
    division_id, commit = call.path["division_id"], call.path["commit"]
    around = call.services.get(Surroundings)
    place = await call.services.get(Engine).store.read(
        lambda db: _place(db, division_id, commit, around.default_workspaces)
    )
    workspace = Workspace.open(place.folder, is_named=place.is_named, make=False)
    run = _BoundedRun(around)
    repository = Repository(workspace, run, Author(around.workspaces.author_name, around.workspaces.author_email))
    # Neither the repository's drivers nor its tastes decide what is run here, and what is read there.
    printed = await repository.git(
        "show", "--format=%s", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/",
        "--dst-prefix=b/", "--patch", commit, "--", ".",
    )  # fmt: skip
    subject, _, diff = printed.partition("\n")
    return {"commit": commit, "subject": subject, "diff": diff.lstrip("\n"), "truncated": run.was_more}


def _place(db: apsw.Connection, division_id: str, commit: str, default: Path) -> _Place:
    """Return the workspace in which *commit* was made for the division."""
    venture: Any = db.execute(VENTURE_OF_DIVISION, (division_id,)).fetchone()
    if venture is None:
        raise NotFound(f"there is no division {division_id!r}")
    made: Any = db.execute(COMMITTED, (division_id, commit)).fetchone() if COMMIT.fullmatch(commit) else None
    if made is None:
        raise NotFound(f"division {division_id!r} has no commit {commit!r}")
    # Only a skeleton's event tells of a workspace that is not the venture's.
    named = made[0] or workspace_written_to(db, division_id)
    return _Place(Path(named), is_named=True) if named else _Place(*place_of(db, venture[0], default))


ROUTES = (
    Route(
        method="GET",
        path="/api/divisions/{division_id}/commits/{commit}",
        call=show_commit,
        summary="Show what a commit has changed that a job of the division has made.",
        answer=CommitShown,
        errors=(404, 409),
        tag="divisions",
    ),
)
