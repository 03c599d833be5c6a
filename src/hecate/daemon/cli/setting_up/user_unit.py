"""The unit with which systemd runs the daemon of one user."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

_UNIT = """\
# Written by `hecate init`.
[Unit]
Description=Hecate, one API for language models and the lifecycle of applications

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
# A large store may need a migration first.
TimeoutStartSec=300
# The daemon drains for 25 s at most.
TimeoutStopSec=30
WatchdogSec=30
Restart=on-failure
RestartSec=2
# A wrong configuration is wrong at the next start, too.
RestartPreventExitStatus=2
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
LimitCORE=0

[Install]
WantedBy=default.target
"""


def unit_file() -> Path:
    """Return where systemd looks for it.

    Raises:
        RuntimeError: The user has no home directory.
    """
    named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".config") / "systemd" / "user" / "hecate.service"


def unit(program: Path, config: Path | None) -> str:
    """Return the unit that runs *program*, with the configuration file *config* if that is not the usual one."""
    words = (str(program), "serve", *(("--config", str(config)) if config else ()))
    return _UNIT.format(command=" ".join(map(_quoted, words)))


def _quoted(word: str) -> str:
    # In a unit a percent sign begins a specifier, and a dollar sign a variable.
    for special, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, written)
    return f'"{word}"' if " " in word else word


def this_program() -> Path:
    """Return the path of the ``hecate`` that runs.

    A link is not resolved: that of pipx or uv stays the same when the program behind it is replaced by a newer one.
    """
    called = shutil.which(sys.argv[0])
    program = Path(called) if called else Path(sys.executable).with_name("hecate")
    return program.absolute()


def systemd_is_here() -> bool:
    """Tell whether units are of use on this machine."""
    return shutil.which("systemctl") is not None
