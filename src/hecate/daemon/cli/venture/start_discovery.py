"""``hecate venture start-discovery``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import discovery_command

CLI = discovery_command("start", "Start the discovery of a venture's divisions.")
