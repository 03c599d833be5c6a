"""``hecate venture resume-discovery``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import discovery_command

CLI = discovery_command("resume", "Go on with a paused discovery.")
