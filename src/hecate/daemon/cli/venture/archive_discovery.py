"""``hecate venture archive-discovery``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import discovery_command

CLI = discovery_command("archive", "Archive the discovery, whatever its state.", takes_reason=True)
