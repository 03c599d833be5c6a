"""The environment of a project that declares dependencies: ``.venv`` in it, made by us where nobody has made one.

Environments cannot be moved, so it is made in its place; a note in it says whether it is whole, and what it was
made from.  One that is not, since we were killed, or that was made from something else is made anew.  One without
our note is a person's, and is left as it is.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.errors import Refused
from hecate.workspaces.workspace import Workspace

if TYPE_CHECKING:
    from hecate.jobs.job import Job

PLACE = ".venv"
NOTE = f"{PLACE}/made-by-hecate.json"
MAKING_SECONDS = 120.0
INSTALLING_SECONDS = 900.0
LONGEST_LAST_LINE = 500
MOST_NAMED = 5
"""Requirements that progress names."""

FAILED = "cannot make the project's environment"
CONNECTION_BROKEN = "connection broken by"
"""In what pip says of an index that does not answer, before it says that it has not found the package."""

PIP_INSTALL = ("pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off")
"""A module and its options, for an interpreter that has it."""


class Origin(msgspec.Struct, frozen=True):
    """What an environment is made from; our note in it."""

    python: str
    """Version and place of the interpreter."""
    requirements: tuple[str, ...]
    is_whole: bool
    """Whether all of it is installed."""


async def prepare_environment(job: Job, folder: Path) -> None:
    """See that the Python project in *folder* has what it declares; nothing is done for one that declares nothing.

    Besides its dependencies it gets what its build needs, and pytest.

    Args:
        job: On whose account.
        folder: Without links on the way to it.

    Raises:
        Refused: The environment cannot be made, or something in it cannot be installed; nothing of it is left.
    """
    # Through a workspace's eyes: what a suite or a build has left behind here must not lead us elsewhere.
    project = Workspace(folder, is_named=True)
    place, origin = project.root / PLACE, await asyncio.to_thread(_wanted, project)
    if origin is None or not await asyncio.to_thread(_is_to_be_made, project, origin):
        return
    if find_spec("ensurepip") is None:
        raise Refused(
            f"the project has dependencies, and {sys.executable} cannot make an environment for them, as it has no "
            f"ensurepip; install it (on Debian the package python3-venv), or make {place} yourself, with pytest in it"
        )
    try:
        await asyncio.to_thread(_begin, project, origin)
        job.progress(f"makes an environment for the project: {PLACE}")
        making = (sys.executable, "-I", "-m", "venv", str(place))
        await install(job, FAILED, making, folder=folder, timeout_seconds=MAKING_SECONDS)
        job.progress(f"installs {_named(origin.requirements)}")
        # What a project declares must be no option of pip's.
        words = (str(place / "bin" / "python"), "-I", "-m", *PIP_INSTALL, "--", *origin.requirements)
        await install(job, FAILED, words, folder=folder, timeout_seconds=INSTALLING_SECONDS)
        await asyncio.to_thread(_note, project, origin)
    except BaseException:
        # What cannot be removed is known by its note, and made anew by the next who needs it.
        with suppress(OSError):
            await asyncio.to_thread(_remove, place)
        raise
    job.progress("the environment is made")


def _wanted(project: Workspace) -> Origin | None:
    """Return what the environment of *project* is made from; None: it needs none of its own."""
    try:
        declared = tomllib.loads((project.read("pyproject.toml") or b"").decode())
    except (Refused, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None  # whoever runs the project says what is wrong with it
    dependencies = _texts(declared, "project", "dependencies")
    if not dependencies:
        return None
    requirements = dict.fromkeys((*dependencies, *_texts(declared, "build-system", "requires"), "pytest"))
    return Origin(f"{platform.python_version()} in {sys.base_prefix}", tuple(requirements), is_whole=True)


def _texts(declared: dict[str, Any], table: str, name: str) -> tuple[str, ...]:
    inner = declared.get(table)
    listed = inner.get(name) if isinstance(inner, dict) else None
    return tuple(text for text in listed if isinstance(text, str)) if isinstance(listed, list) else ()


def _is_to_be_made(project: Workspace, origin: Origin) -> bool:
    place = project.root / PLACE
    if place.is_symlink():
        return False
    if not place.exists():
        return True
    note = project.read(NOTE)
    if note is None:
        # A person's; but for one that is empty, since we may have been killed before we could write our note.
        return place.is_dir() and not any(place.iterdir())
    try:
        found = msgspec.json.decode(note, type=Origin)
    except msgspec.DecodeError:
        return True
    return found != origin or not (place / "bin" / "python").exists()


def _begin(project: Workspace, origin: Origin) -> None:
    place = project.root / PLACE
    try:
        _remove(place)
        place.mkdir()
    except OSError as exc:
        raise Refused(f"cannot make an environment for the project in {place}: {exc.strerror or exc}") from exc
    _note(project, msgspec.structs.replace(origin, is_whole=False))
    # It is no part of the project, whatever the project's own list says.
    project.write(f"{PLACE}/.gitignore", b"*\n")


def _note(project: Workspace, origin: Origin) -> None:
    project.write(NOTE, msgspec.json.encode(origin))


def _remove(place: Path) -> None:
    """Remove an environment of ours, its note last: what is left after a kill is known by it."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        return
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != Path(NOTE).name:
            path.unlink()
    shutil.rmtree(place)


async def install(
    job: Job, what: str, words: Sequence[str], *, folder: Path, timeout_seconds: float, sees: Sequence[Path] = ()
) -> None:
    """Run *words*, which install something, in *folder*.

    Args:
        job: On whose account.
        what: What they are for, for the error.
        words: The program and its arguments.
        folder: Where they run, and write.
        timeout_seconds: How long they may take.
        sees: What else is there for them in a sandbox.

    Raises:
        Refused: They fail; it says what they were, how they have ended, and what they have said last.
    """
    broken = False

    def look(lines: Sequence[str]) -> None:
        nonlocal broken
        broken |= any(CONNECTION_BROKEN in line for line in lines)

    job.tell(f"-- {' '.join(words)}")
    end = await job.run(words, folder=folder, timeout_seconds=timeout_seconds, on_lines=look, writes=sees)
    if end.succeeded:
        return
    said = job.log.last_line[:LONGEST_LAST_LINE]
    sandbox = job.surroundings.confinement.sandbox
    if sandbox is not None and not sandbox.network:
        broken_by = "; jobs have no network here ([jobs] sandbox_network)"
    else:
        broken_by = "; the index of packages cannot be reached" if broken else ""
    # What was run comes last: it is long, and a table cuts it off.
    raise Refused(
        f"{what}: {end.in_words}; it said last: {said or 'nothing'}{broken_by}; what was run is `{' '.join(words)}`"
    )


def _named(requirements: tuple[str, ...]) -> str:
    named = ", ".join(requirements[:MOST_NAMED])
    left = len(requirements) - MOST_NAMED
    return named if left <= 0 else f"{named} and {left} more"
