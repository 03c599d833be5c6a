"""``hecate venture complete-discovery``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import discovery_command

CLI = discovery_command("complete", "Complete the discovery: every division is known.")
