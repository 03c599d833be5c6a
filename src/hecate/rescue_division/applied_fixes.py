"""What a dossier knows of its fixes: that they were applied, or could not be."""

from hecate.dossiers.messages import Event


class FixApplied(Event, frozen=True):
    """An incident is mended."""

    fix_id: str
    incident_id: str
    description: str
    commit: str
    """Of the patch; empty: somebody has told of the fix."""
    closes: bool
    """Whether the incident is over with that."""


class FixFailed(Event, frozen=True):
    """A patch was not applied, or was taken back: the workspace is as it was."""

    fix_id: str
    incident_id: str
    description: str
    reason: str
