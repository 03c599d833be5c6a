"""The configuration of workspaces."""

from __future__ import annotations

from msgspec import Struct


class WorkspaceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[workspaces]``: where they lie, and in whose name the daemon commits."""

    dir: str = ""
    """For the ventures that name no workspace; empty: ``workspaces`` in the data directory."""
    author_name: str = "Hecate"
    author_email: str = "hecate@localhost"
