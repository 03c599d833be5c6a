"""The source around places in a workspace, so that a patch can be written that applies."""

from __future__ import annotations

from collections.abc import Iterable

from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace

LINES_AROUND = 20
MOST_FILES = 4
LARGEST_FILE_BYTES = 1024 * 1024


def excerpts(workspace: Workspace, project: str, places: Iterable[tuple[str, int]]) -> list[str]:
    """Return the lines around *places*, pairs of file and line, the file as seen from the *project* or the workspace.

    What cannot be read, or is outside of the workspace, is left out.
    """
    shown: dict[str, set[int]] = {}
    for file, line in places:
        path = _found(workspace, project, file)
        if path and (path in shown or len(shown) < MOST_FILES):
            shown.setdefault(path, set()).update(range(line - LINES_AROUND, line + LINES_AROUND + 1))
    lines: list[str] = []
    for path, wanted in shown.items():
        lines.append(f"--- {path}")
        text = workspace.path(path).read_text(encoding="utf-8", errors="replace")
        lines += [f"{number:5} {line}" for number, line in enumerate(text.splitlines(), start=1) if number in wanted]
    return lines


def _found(workspace: Workspace, project: str, file: str) -> str:
    """Return the path of *file* in the workspace; empty where there is none that can be shown."""
    for candidate in (f"{project}/{file}", file):
        try:
            path = workspace.path(candidate)
            if path.is_file() and path.stat().st_size <= LARGEST_FILE_BYTES:
                return candidate
        except (Refused, OSError):
            continue
    return ""
