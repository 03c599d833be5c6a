"""Patches: what a unified diff makes of a workspace's files, found out beside it.

git applies it to copies of the files that it names, in a folder of their own outside of any repository: no hook,
filter or attribute has a say, and a patch that does not apply as a whole changes nothing.  Only what has come of it
is written into the workspace, each path confined to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.errors import Refused
from hecate.workspaces.repository import ENVIRONMENT, SAFE
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from hecate.jobs.job import Job

MOST_FILES = 500
LARGEST_FILE_BYTES = 10 * 1024 * 1024
GIT_SECONDS = 60.0

_LINK = re.compile(r"^(?:old|new|deleted file|new file) mode 1[26]0000$", re.MULTILINE)
_NAMED = re.compile(r"^(?:--- |\+\+\+ |rename (?:from|to) |copy (?:from|to) )([^\t\n]+)", re.MULTILINE)
_OLD_OR_NEW = re.compile(r"^(?:--- |\+\+\+ )(\"?[^\t\n]+)", re.MULTILINE)


class Change(msgspec.Struct, frozen=True):
    """What a patch makes of one file."""

    path: str
    """In the workspace."""
    before: bytes | None
    """None: there is no such file."""
    after: bytes | None
    """None: it is removed."""
    was_executable: bool
    is_executable: bool


async def changes_of(job: Job, workspace: Workspace, patch: str, scratch: Path) -> tuple[Change, ...]:
    """Return what *patch* makes of the files in *workspace*, which stay as they are.

    Args:
        job: What runs git.
        workspace: The patch's paths begin at its root.
        patch: A unified diff, as git or diff writes it.
        scratch: An empty folder.

    Raises:
        Refused: It does not apply, makes a link, or leads out of the workspace.
    """
    if _LINK.search(patch):
        raise Refused("the patch makes or changes a link, which no patch may")
    before = await asyncio.to_thread(_copy, workspace, _candidates(patch), scratch)
    await _apply(job, patch if patch.endswith("\n") else f"{patch}\n", scratch)
    changes = await asyncio.to_thread(lambda: tuple(_compared(workspace, before, scratch)))
    if not changes:
        raise Refused("the patch changes nothing")
    return changes


def _candidates(patch: str) -> set[str]:
    """Return all that *patch* may name, and more: what is not there, or may not be, is not copied."""
    names = {_plain(match[1]) for match in _NAMED.finditer(patch)}
    for line in patch.splitlines():
        if line.startswith("diff --git "):
            both = line.removeprefix("diff --git ")
            names |= {both[: len(both) // 2], both[len(both) // 2 + 1 :]}
    return names | {name.partition("/")[2] for name in names}


def _plain(name: str) -> str:
    """Return a name without the quotes that git puts around an unusual one."""
    if not name.startswith('"'):
        return name.rstrip()
    escaped = name.strip().strip('"').encode("utf-8", "replace").decode("unicode_escape", "replace")
    return escaped.encode("latin-1", "replace").decode("utf-8", "replace")


def _copy(workspace: Workspace, names: Iterable[str], scratch: Path) -> dict[str, bytes]:
    """Copy those of *names* that are files in the workspace, and return what they hold."""
    copied: dict[str, bytes] = {}
    for name in sorted(names):
        try:
            path = workspace.path(name)
            size = path.stat().st_size if path.is_file() and name == str(Path(name)) else None
        except (Refused, OSError):
            continue  # such as a name that is too long for a file
        if size is None:
            continue
        if len(copied) == MOST_FILES or size > LARGEST_FILE_BYTES:
            raise Refused(
                f"the patch is of more than {MOST_FILES} files, or of one larger than {LARGEST_FILE_BYTES} bytes"
            )
        content = workspace.read(name)
        if content is not None:
            copied[name] = content
            copy = scratch / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            copy.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    return copied


async def _apply(job: Job, patch: str, scratch: Path) -> None:
    """Apply *patch* in *scratch*, all or nothing."""
    names = [match[1].lstrip('"') for match in _OLD_OR_NEW.finditer(patch)]
    has_prefixes = all(name.startswith(("a/", "b/", "/dev/null")) for name in names)
    complaint = ""
    # What a model writes often has the right lines and the wrong counts.
    for counting in ((), ("--recount",)):
        ended, output = await job.capture(
            ("git", *SAFE, "apply", "-p1" if has_prefixes else "-p0", "--whitespace=nowarn", *counting, "-"),
            folder=scratch,
            timeout_seconds=GIT_SECONDS,
            environment={**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(scratch.parent)},
            given=patch.encode("utf-8", "replace"),
        )
        if ended.succeeded:
            return
        complaint = complaint or "; ".join(output.strip().splitlines()[:3]) or ended.in_words
    raise Refused(f"the patch does not apply: {complaint}")


def _compared(workspace: Workspace, before: dict[str, bytes], scratch: Path) -> Iterator[Change]:
    # What is removed comes first: it may be in the way of the rest.
    there = sorted(scratch.rglob("*"))
    for name in sorted(before.keys() - {str(path.relative_to(scratch)) for path in there if path.is_file()}):
        yield Change(name, before[name], None, _is_executable(workspace, name), is_executable=False)
    for path in there:
        name = str(path.relative_to(scratch))
        if path.is_symlink():
            raise Refused(f"the patch makes {name!r} a link, which no patch may")
        if not path.is_file():
            continue
        content, is_executable = path.read_bytes(), bool(path.stat().st_mode & 0o100)
        workspace.path(name)  # for its refusal
        was_executable = _is_executable(workspace, name)
        if before.get(name) != content or is_executable != was_executable:
            yield Change(name, before.get(name), content, was_executable, is_executable)


def _is_executable(workspace: Workspace, name: str) -> bool:
    path = workspace.path(name)
    return path.is_file() and bool(path.stat().st_mode & 0o100)


# -- into the workspace, and back


def make(workspace: Workspace, changes: Iterable[Change]) -> None:
    """Make *changes* in *workspace*, one after the other; see `take_back`.

    Raises:
        Refused: A file is not what it was when they were found, or the disk does not take them.
    """
    for change in changes:
        if workspace.read(change.path) != change.before:
            raise Refused(f"{change.path!r} was changed while the patch was being applied")
        if change.after is None:
            workspace.remove(change.path)
        else:
            workspace.write(change.path, change.after, executable=change.is_executable)


def take_back(workspace: Workspace, changes: Sequence[Change]) -> list[str]:
    """Undo what there is of *changes*, and return the paths that somebody has changed since, which stay as they are.

    Raises:
        Refused: The disk does not take one of them; the others are undone.
    """
    left, trouble = [], None
    # What was added goes first: that makes room on a full disk, and for what was in its place.
    for change in sorted(changes, key=lambda change: change.before is not None):
        now = workspace.read(change.path)
        if now != change.after:
            left += [change.path] if now != change.before else []
            continue
        try:
            if change.before is None:
                workspace.remove(change.path)
            else:
                workspace.put_back(change.path, change.before, executable=change.was_executable)
        except Refused as exc:
            trouble = trouble or exc
    if trouble is not None:
        raise trouble
    return left
