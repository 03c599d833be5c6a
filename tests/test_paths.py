"""Where socket, data and configuration are when nobody says otherwise."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hecate import paths

SYSTEM_SOCKET = Path("/run/hecate/daemon.sock")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be a user with a home directory, and with nothing set."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as directory:
        for name in ("HECATE_SOCKET", "RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", directory)
        be(monkeypatch, 1000)
        yield Path(directory)


def be(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    """Have the system say that this process is *uid*'s."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)


def bound(path: Path) -> socket.socket:
    """Put a socket at *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return listener


def test_a_user_has_places_of_their_own(home: Path) -> None:
    """Without any variable, all is below the home directory."""
    assert paths.default_socket() == home / ".hecate" / "daemon.sock"
    assert paths.default_data_dir() == home / ".local" / "share" / "hecate"
    assert paths.default_config() == home / ".config" / "hecate" / "config.toml"


def test_the_base_directory_specification_is_followed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The XDG variables move each of the three."""
    for name, value in (("RUNTIME_DIR", "/run/user/7"), ("DATA_HOME", "/d"), ("CONFIG_HOME", "/c")):
        monkeypatch.setenv(f"XDG_{name}", value)
    assert paths.default_socket() == Path("/run/user/7/hecate/daemon.sock")
    assert paths.default_data_dir() == Path("/d/hecate")
    assert paths.default_config() == Path("/c/hecate/config.toml")


def test_relative_variables_are_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The specification says so."""
    for name in ("RUNTIME_DIR", "DATA_HOME", "CONFIG_HOME"):
        monkeypatch.setenv(f"XDG_{name}", "here")
    assert paths.default_socket() == home / ".hecate" / "daemon.sock"
    assert paths.default_data_dir() == home / ".local" / "share" / "hecate"
    assert paths.default_config() == home / ".config" / "hecate" / "config.toml"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("as_root", [True, False])
def test_root_and_the_system_service_serve_the_machine(monkeypatch: pytest.MonkeyPatch, as_root: bool) -> None:  # noqa: FBT001
    """Their places are the system's, whatever a login has set."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/0")
    if as_root:
        be(monkeypatch, 0)
    else:
        monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/other:/run/hecate")
    assert paths.default_socket() == SYSTEM_SOCKET
    assert paths.default_data_dir() == Path("/var/lib/hecate")
    assert paths.default_config() == Path("/etc/hecate/config.toml")


@pytest.mark.usefixtures("home")
def test_another_services_directory_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of another service inherits that service's ``RUNTIME_DIRECTORY``."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/other")
    assert not paths.serves_the_machine()


@pytest.mark.usefixtures("home")
def test_a_client_calls_what_the_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """``HECATE_SOCKET`` is taken at its word, whether or not there is a daemon."""
    monkeypatch.setenv("HECATE_SOCKET", "~/none.sock")
    assert paths.find_socket() == Path.home() / "none.sock"


def test_a_client_finds_the_first_socket_that_exists(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's runtime directory comes before the home directory."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    with bound(home / ".hecate" / "daemon.sock"):
        assert paths.find_socket() == home / ".hecate" / "daemon.sock"
        with bound(home / "run" / "hecate" / "daemon.sock"):
            assert paths.find_socket() == home / "run" / "hecate" / "daemon.sock"


@pytest.mark.skipif(SYSTEM_SOCKET.exists(), reason="a daemon serves this machine")
def test_without_a_daemon_a_client_is_told_where_one_would_be(home: Path) -> None:
    """An error message can then name the place; a file that is no socket does not count."""
    (home / ".hecate").mkdir()
    (home / ".hecate" / "daemon.sock").touch()
    assert paths.find_socket() == paths.default_socket() == home / ".hecate" / "daemon.sock"


@pytest.mark.usefixtures("home")
def test_a_user_without_a_home_directory_calls_the_machines_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container with a user id of its own; their session's daemon comes first, if there is a session."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)
    assert paths.find_socket() == SYSTEM_SOCKET
    with pytest.raises(RuntimeError):
        paths.default_socket()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert paths.find_socket() == paths.default_socket() == Path("/run/user/7/hecate/daemon.sock")
