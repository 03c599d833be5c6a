"""Whom a request goes to, and its first bytes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple

from yarl import URL

USER_AGENT = "hecate"


class Origin(NamedTuple):
    """What connections are kept for: they can be used again for whatever goes the same way."""

    scheme: str
    host: str
    port: int
    proxy: URL | None

    @classmethod
    def of(cls, url: URL, proxy: str = "") -> Origin:
        """Return the origin of *url*, reached through *proxy* unless that is empty.

        Raises:
            ValueError: One of them is no URL with a host.
        """
        return cls(*_place(url), URL(proxy) if proxy else None)

    @property
    def is_tunnelled(self) -> bool:
        """Whether the proxy passes on bytes that it cannot read."""
        return self.proxy is not None and self.scheme == "https"

    @property
    def next_hop(self) -> tuple[str, int]:
        """Host and port that the connection is made to."""
        if self.proxy is None:
            return self.host, self.port
        _, host, port = _place(self.proxy)
        return host, port

    @property
    def authority(self) -> str:
        """Host and port as a proxy is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def head(self, method: str, url: URL, headers: Mapping[str, str]) -> bytes:
        """Return the head of a request for *url*, without the ``Content-Length`` and the empty line.

        Raises:
            ValueError: A header has a line break in it.
        """
        target = url.raw_path_qs
        lines = {"Host": url.host_port_subcomponent or "", "User-Agent": USER_AGENT, "Accept": "*/*"}
        # gzip would only hold pieces of a stream back.
        lines["Accept-Encoding"] = "identity"
        if url.user is not None:
            lines["Authorization"] = basic(url)
        if self.proxy is not None and not self.is_tunnelled:
            target = str(url.with_user(None).with_fragment(None))
            if self.proxy.user is not None:
                lines["Proxy-Authorization"] = basic(self.proxy)
        given = {name.lower() for name in headers}
        lines = {name: value for name, value in lines.items() if name.lower() not in given} | dict(headers)
        for name, value in lines.items():
            if any(forbidden in f"{name}{value}" for forbidden in "\r\n\0"):
                raise ValueError(f"the header {name!r} has a line break in it")
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} HTTP/1.1\r\n{head}".encode()


def basic(url: URL) -> str:
    """Return the ``Authorization`` of the user and password in *url*."""
    return "Basic " + b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()


def _place(url: URL) -> tuple[str, str, int]:
    if not url.host or url.port is None:
        raise ValueError("the address names no host")
    return url.scheme, url.host, url.port
