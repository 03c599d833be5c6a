"""What the service manager is told, and when nothing is."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

import pytest

from hecate.daemon.notify import ServiceManager


def test_a_message_reaches_an_abstract_address() -> None:
    """A leading @ stands for a name in the kernel, without a file."""
    name = f"hecate-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready("serving")
        assert manager.recv(4096) == f"READY=1\nMAINPID={os.getpid()}\nSTATUS=serving".encode()


def test_without_a_service_manager_nothing_is_sent() -> None:
    """A daemon that was started by hand tells nobody."""
    manager = ServiceManager({})
    manager.ready("serving")
    assert not manager


def test_a_service_manager_that_has_gone_away_is_forgotten(place: Path) -> None:
    """Its absence is no reason to stop serving."""
    manager = ServiceManager({"NOTIFY_SOCKET": str(place / "gone")})
    assert manager
    manager.alive()
    assert not manager


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_time_is_read(environ: dict[str, str], seconds: float | None) -> None:
    """In seconds, and only if it was meant for this process."""
    assert ServiceManager(environ).watchdog_seconds == seconds
