"""``hecate venture pause-discovery``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import discovery_command

CLI = discovery_command("pause", "Pause the discovery.\n\n--reason is kept until it goes on.", takes_reason=True)
