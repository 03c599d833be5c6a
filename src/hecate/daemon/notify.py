"""Telling the service manager how the daemon is: the ``sd_notify`` protocol, which is one datagram.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class ServiceManager:
    """The service manager that started this process, or nobody: then every message is dropped."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environ)
        """How often it must hear from us, in seconds; None if it does not ask."""

    def __bool__(self) -> bool:
        return bool(self._address)

    def ready(self, status: str) -> None:
        """Say that requests are answered from now on; *status* is a sentence for people."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends that."""
        # The same clock as systemd's: it tells this reload from an earlier one by the time.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str) -> None:
        """Say that the daemon finishes what it has begun and then ends."""
        self._send(f"STOPPING=1\nSTATUS={status}")

    def alive(self) -> None:
        """Keep the watchdog quiet for another `watchdog_seconds`."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A leading @ stands for the NUL of an abstract address.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto(message.encode(), address)
            except OSError:
                # A service manager that has gone away is no reason to stop serving.
                self._address = ""


def _watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    microseconds = environ.get("WATCHDOG_USEC", "")
    # WATCHDOG_PID is there when the variables were meant for one process and may have been inherited.
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000
