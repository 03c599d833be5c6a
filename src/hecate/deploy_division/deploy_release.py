"""Desk: deploy a release.

    POST /api/divisions/{division_id}/deploy/release
    {"version": "1.2.0", "target": "service", "health_check": "http://127.0.0.1:{port}/health"}

It is a job.  The division's project is built, as wheel and source archive, or by a ``command``; the result is stored
for good, with checksums, and the link ``current`` is switched to it.  Then comes what the ``target`` wants, and the
``health_check``: if that does not pass in time, everything is switched back, and the release has failed.

Before a release the division's tests should have passed: the answer warns where they have not, and with strict gates
it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from hecate.child_processes.command_line import CommandLine, words_of
from hecate.deploy_division.gate_of_tests import why_closed
from hecate.deploy_division.record_release import DEPLOYED, RECORD, ReleaseFailed
from hecate.deploy_division.release_health import HealthCheck, check_health_check
from hecate.deploy_division.release_work import put_right, release, unfinished
from hecate.deploy_division.switches import ReleaseDeployed, highest_version
from hecate.deploy_division.targets import Target, target_of
from hecate.deploy_division.versions import VersionText, version_of
from hecate.dossiers.desk import Desk, Example, Work
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class DeployRelease(Command, frozen=True):
    """Ask that a release is built and goes live."""

    version: VersionText
    """Semantic, and above all that were deployed."""
    target: Target = ""
    """``local`` (so if empty), ``service``, ``systemd:NAME.service`` or ``command:LINE``."""
    command: CommandLine = ""
    """Builds the artifacts in place of the project's build backend: into the folder that HECATE_ARTIFACTS names."""
    force: bool = False
    """Whether the version may be one that is not above all others; one that is stored is deployed as it is."""
    health_check: HealthCheck = ""
    """A URL or a command; ``{port}`` in it is the port of the supervised application.  Empty: none."""
    health_timeout_seconds: Seconds = 30.0
    timeout_seconds: Seconds = 900.0
    """Of the build."""


class ReleaseBegun(Event, frozen=True):
    """A release will be made, and go live if all goes well."""

    release_id: str
    version: str
    target: str


def decide(dossier: Dossier, command: DeployRelease) -> Sequence[Event]:
    """Begin a release whose version is above all that were deployed, or forced; one at a time.

    Raises:
        Invalid: The version is not semantic, or target, command or check cannot be read.
        Refused: The version is not above the others, or another release is under way.
    """
    version = version_of(command.version)
    target = target_of(command.target)
    words_of(command.command)
    check_health_check(command.health_check)
    highest = highest_version(dossier)
    if highest and not command.force and not version.is_above(version_of(highest)):
        raise Refused(f"version {command.version} is not above {highest}, which was deployed; force it if it must be")
    begun = dossier.all(ReleaseBegun)
    if begun and not _is_over(dossier, begun[-1].release_id):
        raise Refused(f"release {begun[-1].release_id!r} of version {begun[-1].version} is under way")
    return [ReleaseBegun(release_id=dossier.new_id("rel"), version=command.version, target=target)]


def _is_over(dossier: Dossier, release_id: str) -> bool:
    return dossier.has(ReleaseDeployed, release_id=release_id) or dossier.has(ReleaseFailed, release_id=release_id)


DESK = Desk(
    path="release",
    command=DeployRelease,
    events=(ReleaseBegun,),
    decide=decide,
    gate=why_closed,
    makes="release_id",
    status=202,
    work=Work(do=release, record=RECORD, put_right=put_right, unfinished=unfinished, holds_workspace=True),
    example=Example(
        given=(DEPLOYED,),
        when=DeployRelease(version="1.1.0", health_check="python -m auth desks"),
        then=(ReleaseBegun(release_id="rel-", version="1.1.0", target="local"),),
    ),
)
