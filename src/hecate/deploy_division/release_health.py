"""Whether a release is well: asked by a URL or a command, again and again, until it is or the time is over."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import aiohttp
import msgspec

from hecate.child_processes.command_line import words_of
from hecate.deploy_division.targets import told_to_commands
from hecate.dossiers.errors import Invalid, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from hecate.jobs.job import Job

SECONDS_BETWEEN_LOOKS = 0.25
LOOK_SECONDS = 5.0
"""The longest that one look may take."""
PORT = "{port}"
"""In a check: the port of the application that the daemon supervises."""

HealthCheck = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]


def check_health_check(check: str) -> None:
    """Refuse a *check* that can never be made.

    Raises:
        Invalid: It is neither a URL nor a command.
    """
    if not _is_url(check):
        words_of(check, "health_check")
        return
    try:
        url = urlsplit(check.replace(PORT, "80"))
        sound = bool(url.hostname) and url.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise Invalid(f"{check!r} is no URL such as http://127.0.0.1:8000/health - at `$.health_check`")


def _is_url(check: str) -> bool:
    return check.lower().startswith(("http://", "https://"))


async def become_well(job: Job, check: str, *, version: str, release: Path, port: int, timeout_seconds: float) -> None:
    """Return when *check* has passed.

    Args:
        job: Whose output tells what is seen.
        check: A URL that must answer with a status below 400, or a command that must end with 0.
        version: For commands.
        release: Where commands run.
        port: Of the application, where the check names it.
        timeout_seconds: For all of it.

    Raises:
        Refused: It has not passed in that time.
    """
    check = check.replace(PORT, str(port))
    seen = "it has not answered"
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                seen = await (_ask(check) if _is_url(check) else _run(job, check, version, release))
                if not seen:
                    job.tell(f"-- the health check {check} has passed")
                    return
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    except TimeoutError as exc:
        raise Refused(f"the health check {check} has not passed within {timeout_seconds:g} s: {seen}") from exc


async def _ask(url: str) -> str:
    """Return what is wrong with the answer of *url*; empty: nothing."""
    limit = aiohttp.ClientTimeout(total=LOOK_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            return "" if answer.status < 400 else f"it answers with status {answer.status}"
    except TimeoutError:
        return f"it does not answer within {LOOK_SECONDS:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__


async def _run(job: Job, check: str, version: str, release: Path) -> str:
    """Return what is wrong with the end of the command *check*; empty: nothing."""
    end = await job.run(
        shlex.split(check),
        folder=release,
        timeout_seconds=LOOK_SECONDS,
        environment=told_to_commands(version, release),
        sandboxed=False,
    )
    return "" if end.succeeded else end.in_words
