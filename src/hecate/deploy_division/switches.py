"""What a dossier knows of its releases: those that were deployed, and which of them went live after which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hecate.deploy_division.versions import version_of
from hecate.dossiers.messages import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hecate.dossiers.dossier import Dossier


class Artifact(msgspec.Struct, frozen=True):
    """A file of a release."""

    name: str
    sha256: str
    """In hexadecimal digits."""
    bytes: int


class ReleaseDeployed(Event, frozen=True):
    """A release is live."""

    release_id: str
    version: str
    target: str
    commit: str
    """Of the workspace's repository, with ``-dirty`` where the project has changed since; empty: there is none."""
    artifacts: tuple[Artifact, ...]
    previous_version: str
    """The one that was live before; empty: there was none."""
    switch: int
    """The how-manieth time it is, from 1, that the live release has changed."""


class ReleaseRolledBack(Event, frozen=True):
    """An earlier release is live again."""

    rollback_id: str
    from_version: str
    to_version: str
    reason: str
    switch: int
    """As in `ReleaseDeployed`."""


def next_switch(dossier: Dossier) -> int:
    """Return the number of the next switch."""
    return len(dossier.all(ReleaseDeployed)) + len(dossier.all(ReleaseRolledBack)) + 1


def lives(dossier: Dossier) -> Sequence[str]:
    """Return the versions to which one can go back, the oldest first; the last is live.

    A rollback takes away what came after the version that it went to.
    """
    switches: list[ReleaseDeployed | ReleaseRolledBack] = [
        *dossier.all(ReleaseDeployed),
        *dossier.all(ReleaseRolledBack),
    ]
    versions: list[str] = []
    for event in sorted(switches, key=lambda event: event.switch):
        if isinstance(event, ReleaseDeployed):
            versions.append(event.version)
        elif event.to_version in versions:
            while versions[-1] != event.to_version:
                versions.pop()
        else:
            versions.append(event.to_version)
    return versions


def live_version(dossier: Dossier) -> str:
    """Return the version that is live; empty: none."""
    versions = lives(dossier)
    return versions[-1] if versions else ""


def highest_version(dossier: Dossier) -> str:
    """Return the highest version that was ever deployed; empty: none was."""
    highest = ""
    for deployed in dossier.all(ReleaseDeployed):
        if not highest or version_of(deployed.version).is_above(version_of(highest)):
            highest = deployed.version
    return highest
