"""``hecate division pause``."""

from __future__ import annotations

from hecate.daemon.cli.lifecycle import division_command

CLI = division_command("pause", "Pause a process; --reason is kept until it goes on.", takes_reason=True)
