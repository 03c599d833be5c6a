"""Where a release goes once the link leads to it: nowhere else, to the supervised application, a unit, a command.

| target | what is done |
|---|---|
| ``local`` | the link ``current`` is switched, and nothing else |
| ``service`` | the application that the daemon supervises is started, or started anew |
| ``systemd:NAME.service`` | the user's systemd unit is restarted |
| ``command:LINE`` | the command runs in the release's folder |
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.child_processes.command_line import words_of
from hecate.dossiers.errors import Invalid, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hecate.jobs.job import Job

LOCAL = "local"
SERVICE = "service"
SYSTEMD = "systemd:"
COMMAND = "command:"
ACTIVATION_SECONDS = 120.0

Target = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]

# A unit's name goes onto a command line, so it must not look like an option.
_UNIT = re.compile(r"[A-Za-z0-9_.:@\\][A-Za-z0-9_.:@\\-]{0,200}\.(?:service|socket|target|timer|path)")


def target_of(text: str) -> str:
    """Return *text* as a target; empty: `LOCAL`.

    Raises:
        Invalid: It is none.
    """
    if text in {"", LOCAL}:
        return LOCAL
    if text == SERVICE or (text.startswith(SYSTEMD) and _UNIT.fullmatch(text.removeprefix(SYSTEMD))):
        return text
    if text.startswith(COMMAND) and words_of(text.removeprefix(COMMAND), "target"):
        return text
    raise Invalid(
        f"{text!r} is no target; there are local, service, systemd:NAME.service and command:LINE - at `$.target`"
    )


async def activate(job: Job, target: str, version: str, release: Path) -> None:
    """Do what *target* wants, other than `LOCAL` and `SERVICE`, for the *release* that the link leads to.

    Raises:
        Refused: It fails.
    """
    if target.startswith(SYSTEMD):
        command: tuple[str, ...] = ("systemctl", "--user", "restart", target.removeprefix(SYSTEMD))
    elif target.startswith(COMMAND):
        command = tuple(shlex.split(target.removeprefix(COMMAND)))
    else:
        return
    end = await job.run(
        command,
        folder=release,
        timeout_seconds=ACTIVATION_SECONDS,
        environment=told_to_commands(version, release),
        sandboxed=False,
    )
    if not end.succeeded:
        raise Refused(f"{shlex.join(command[:4])} failed: {end.in_words}")


def told_to_commands(version: str, release: Path) -> Mapping[str, str]:
    """Return what a command of a release finds in its environment."""
    return {
        "HECATE_VERSION": version,
        "HECATE_RELEASE": str(release),
        "HECATE_CURRENT": str(release.parent / "current"),
    }
