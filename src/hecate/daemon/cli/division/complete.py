"""``hecate division complete``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import division_command

CLI = division_command("complete", "Complete a process.")
