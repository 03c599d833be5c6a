"""``hecate division start``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import division_command

CLI = division_command("start", "Start a process of a division.")
