"""Where this machine can be reached: what is advertised, as far as nobody has said it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import closing, suppress
from typing import Final

from hecate.join_mesh.settings import MeshSettings

WILDCARDS: Final = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - compared with, not listened at
# Documentation networks: nothing is sent there, or anywhere; the kernel says which interface it would take.
NOWHERE: Final = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def own_hosts(settings: MeshSettings) -> tuple[str, ...]:
    """Return the hosts or addresses under which peers may reach this machine; loopback where there are no others."""
    if settings.advertise:
        return settings.advertise
    found = []
    for family, address in NOWHERE:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe, suppress(OSError):
            probe.connect((address, 9))
            found.append(probe.getsockname()[0])
    return tuple(f"[{host}]" if ":" in host else host for host in found) or ("127.0.0.1",)


def own_addresses(settings: MeshSettings) -> tuple[str, ...]:
    """Return the addresses at which peers may connect, as zenoh writes them."""
    return tuple(dict.fromkeys(_addresses(settings, own_hosts(settings))))


def _addresses(settings: MeshSettings, hosts: Iterable[str]) -> Iterable[str]:
    for listener in settings.listeners:
        protocol, _, place = listener.partition("/")
        host, _, port = place.rpartition(":")
        for one in hosts if host in WILDCARDS else (host,):
            yield f"{protocol}/{one}:{port}"
