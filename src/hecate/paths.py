"""Where the daemon keeps its socket, its data and its configuration when nobody says otherwise.

Root, and a systemd system service (its ``RUNTIME_DIRECTORY`` is ``/run/hecate``), are the
machine's daemon: ``/run/hecate``, ``/var/lib/hecate`` and ``/etc/hecate``.  Everybody else
has a daemon of their own, at the places that the XDG base directory specification names.

The command line imports this on every call, so it imports little.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

SYSTEM_RUNTIME_DIRECTORY = Path("/run/hecate")
SYSTEM_DATA_DIRECTORY = Path("/var/lib/hecate")
SYSTEM_CONFIGURATION_DIRECTORY = Path("/etc/hecate")

SOCKET_NAME = "daemon.sock"


def default_socket() -> Path:
    """Return the socket that a daemon started here would serve, unless it is told another.

    Raises:
        RuntimeError: The user has no home directory, and no session.
    """
    if serves_the_machine():
        return SYSTEM_RUNTIME_DIRECTORY / SOCKET_NAME
    return _of_session() or _at_home()


def find_socket() -> Path:
    """Return the socket that a client should call.

    ``HECATE_SOCKET`` if it is set; else the first that exists of the user's own and the
    machine's; else the first of these, so that an error can name a place.
    """
    if named := os.environ.get("HECATE_SOCKET"):
        return Path(named).expanduser()
    candidates = (*_user_sockets(), SYSTEM_RUNTIME_DIRECTORY / SOCKET_NAME)
    if serves_the_machine():
        candidates = candidates[::-1]
    return next((path for path in candidates if _may_be_socket(path)), candidates[0])


def default_data_dir() -> Path:
    """Return the directory of the database, unless the daemon is told another."""
    if serves_the_machine():
        return SYSTEM_DATA_DIRECTORY
    return _xdg("XDG_DATA_HOME", ".local/share") / "hecate"


def default_config() -> Path:
    """Return the configuration file that is read if it exists and no other is named."""
    if serves_the_machine():
        return SYSTEM_CONFIGURATION_DIRECTORY / "config.toml"
    return _xdg("XDG_CONFIG_HOME", ".config") / "hecate" / "config.toml"


def serves_the_machine() -> bool:
    """Return whether a daemon started by this process is the machine's and not one user's."""
    granted = os.environ.get("RUNTIME_DIRECTORY", "").split(":")
    return os.geteuid() == 0 or str(SYSTEM_RUNTIME_DIRECTORY) in granted


def _user_sockets() -> tuple[Path, ...]:
    # The home directory comes second, for sessions without a runtime directory (cron, su,
    # containers): unlike anything under /tmp it is nobody else's to take first, and the
    # terminal client of the original daemon looks there too.
    in_session = _of_session()
    found = () if in_session is None else (in_session,)
    try:
        return (*found, _at_home())
    except RuntimeError:
        return found  # a user without a home directory can still call the machine's daemon


def _of_session() -> Path | None:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    # The specification says to ignore relative paths.
    return runtime / "hecate" / SOCKET_NAME if runtime.is_absolute() else None


def _at_home() -> Path:
    return Path.home() / ".hecate" / SOCKET_NAME


def _xdg(variable: str, at_home: str) -> Path:
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / at_home


def _may_be_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except PermissionError:
        # It is there and closed to us: a client must say that, not that no daemon runs.
        return True
    except OSError:
        return False
