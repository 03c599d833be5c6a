"""What a release runs from: the content of its wheels, and of all that they need, in its folder ``app``.

A wheel that needs nothing is unpacked.  One that does is installed with its dependencies, so that a release is whole:
what is on an index tomorrow, or in an environment of the machine, is nothing to it.
"""

from __future__ import annotations

import asyncio
import email
import re
import stat
import sys
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hecate.deploy_division.release_folder import APP, NOTE, SUMS
from hecate.dossiers.errors import Refused
from hecate.suites.project_environment import PIP_INSTALL, PLACE, install

if TYPE_CHECKING:
    from hecate.jobs.job import Job

_OF_AN_EXTRA = re.compile(r"\bextra\s*==")


async def fill_app(job: Job, place: Path, staging: Path, timeout_seconds: float) -> bool:
    """Put what is in the wheels of *staging* into its `APP`; tell whether their dependencies are with them.

    They are not where something that was built is there already: whoever makes that knows what belongs into it.

    Args:
        job: On whose account.
        place: The project, whose environment may lend its pip.
        staging: The release that is being made.
        timeout_seconds: Of the installation.

    Raises:
        Refused: What was built is no release, or something cannot be installed.
    """
    await asyncio.to_thread(check_content, staging)
    wheels = await asyncio.to_thread(wheels_to_install, staging)
    if not wheels:
        await asyncio.to_thread(_unpack, staging)
        return False
    job.progress(f"installs what {', '.join(wheel.name for wheel in wheels)} needs")
    # For the Python that will run it: the project's own may be another.
    words = (
        *pip_for(sys.executable, place, lends=find_spec("pip") is not None),
        *("--no-compile", "--no-warn-conflicts", "--target", str(staging / APP), "--"),
        *map(str, wheels),
    )
    what = "cannot install what the release needs"
    await install(job, what, words, folder=staging, timeout_seconds=timeout_seconds, sees=(place / PLACE,))
    await asyncio.to_thread(check_content, staging)
    return True


def pip_for(python: str, place: Path, *, lends: bool) -> tuple[str, ...]:
    """Return the words by which pip installs for the interpreter *python*.

    Args:
        python: The interpreter.
        place: A project; its environment's pip is taken where *python* has none.
        lends: Whether *python* has pip itself.

    Raises:
        Refused: There is no pip.
    """
    module, *options = PIP_INSTALL
    if lends:
        return (python, "-I", "-m", module, *options)
    own = place / PLACE / "bin" / "python"
    if not own.with_name("pip").exists():
        raise Refused(f"there is no pip, neither beside {python} nor in {place / PLACE}; install it there")
    return (str(own), "-I", "-m", module, "--python", python, *options)


def check_content(staging: Path) -> None:
    """Check that there is nothing but files and folders, under names that a release may have.

    Raises:
        Refused: There is something else, or it cannot be read.
    """
    try:
        # We write here next, and whoever has built must not lead us elsewhere; and a pipe would have us wait.
        for path in staging.rglob("*"):
            if not stat.S_ISREG(mode := path.lstat().st_mode) and not stat.S_ISDIR(mode):
                raise Refused(f"{path.relative_to(staging)} is no file; a release has only files and folders")
            # These two are written when it is sealed; and a line of the checksums is one name.
            if (name := str(path.relative_to(staging))) in {NOTE, SUMS} or not name.isprintable():
                raise Refused(f"a release may have no file {name!r} of its own")
    except OSError as exc:
        raise Refused(f"cannot read what was built: {exc}") from exc


def wheels_to_install(staging: Path) -> Sequence[Path]:
    """Return the wheels in *staging* if one of them needs another package, and `APP` is not there yet.

    Raises:
        Refused: One cannot be read.
    """
    wheels = sorted(staging.glob("*.whl"))
    if (staging / APP).exists() or not any(map(_needs_others, wheels)):
        return ()
    return wheels


def _needs_others(wheel: Path) -> bool:
    try:
        with zipfile.ZipFile(wheel) as archive:
            told = [archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    except (OSError, zipfile.BadZipFile) as exc:
        raise Refused(f"cannot read what was built: {exc}") from exc
    needed = (line for text in told for line in email.message_from_bytes(text).get_all("Requires-Dist", ()))
    return any(not _OF_AN_EXTRA.search(line.partition(";")[2]) for line in needed)


def _unpack(staging: Path) -> None:
    try:
        for wheel in staging.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(staging / APP)
    except (OSError, zipfile.BadZipFile) as exc:
        raise Refused(f"cannot unpack what was built: {exc}") from exc
