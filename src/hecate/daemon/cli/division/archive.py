"""``hecate division archive``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import division_command

CLI = division_command("archive", "Archive a process, whatever its state.", takes_reason=True)
