"""``hecate division resume``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import division_command

CLI = division_command("resume", "Go on with a paused process.")
