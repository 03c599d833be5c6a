"""An address of the loopback interface: reached from this machine, and from nowhere else."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

_ADDRESS = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]{1,5})")
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class LoopbackAddress:
    """An address in 127.0.0.0/8, or ::1, with a port; port 0 stands for any that is free."""

    address: IPv4Address | IPv6Address
    port: int

    @classmethod
    def parse(cls, text: str) -> LoopbackAddress:
        """Read ``127.0.0.1:11500``, ``[::1]:11500`` or ``localhost:11500``.

        Raises:
            ValueError: It is not of this form, or could be reached from other machines; the
                message goes on from "listen".
        """
        match = _ADDRESS.fullmatch(text)
        if match is None or int(match["port"]) > _LARGEST_PORT:
            raise ValueError(f'must be an address and a port, such as "127.0.0.1:11500", and is {text!r}')
        host = match["host"].strip("[]")
        try:
            address = ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError as exc:
            raise ValueError(f"must begin with an IP address, and is {text!r}") from exc
        # ::1 by name: what else `is_loopback` takes, such as ::ffff:127.0.0.1, no socket for IPv6 alone can bind.
        if not (address.is_loopback if isinstance(address, IPv4Address) else address == IPv6Address("::1")):
            raise ValueError(
                f"must be a loopback address (127.0.0.1 or [::1]), and {host} can be reached from other machines; "
                "for those, put a reverse proxy before the daemon"
            )
        return cls(address, int(match["port"]))

    def bind(self) -> socket.socket:
        """Return a socket that is bound and does not listen yet.

        Raises:
            OSError: The port is taken, or reserved for root.
        """
        is_ipv6 = self.address.version == 6
        listener = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Or a restart would have to wait until the last connections are forgotten, a minute.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_ipv6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((str(self.address), self.port))
        except OSError:
            listener.close()
            raise
        return listener

    def at(self, port: int) -> LoopbackAddress:
        """Return the same address with the *port* that it got."""
        return LoopbackAddress(self.address, port)

    @property
    def authority(self) -> str:
        """Address and port as in a URL."""
        host = f"[{self.address}]" if self.address.version == 6 else f"{self.address}"
        return f"{host}:{self.port}"

    def authorities(self) -> frozenset[str]:
        """Return everything that a URL of this listener may have before its path."""
        names = {self.authority, *(f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]"))}
        if self.port == 80:
            names |= {name.removesuffix(":80") for name in names}
        return frozenset(names)
