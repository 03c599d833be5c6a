"""Reads ``OLLAMA_HOST`` as Ollama's own programs do."""

from __future__ import annotations

from ipaddress import ip_address

from hecate.dossiers.errors import Invalid

DEFAULT_PORT = 11434
_SCHEME_PORTS = {"http": 80, "https": 443}


def ollama_address(given: str) -> str:
    """Return the URL that *given* means: ``host``, ``:port``, ``host:port`` or a URL, each in part.

    Without a scheme the port is 11434; with one it is the scheme's own.  An address to listen on
    (``0.0.0.0``) is reached at the loopback address.

    Raises:
        Invalid: *given* names another scheme than http and https, or a port that is none.
    """
    scheme, separator, rest = given.strip().strip("\"'").partition("://")
    if not separator:
        scheme, rest = "http", scheme
        default_port = DEFAULT_PORT
    elif scheme in _SCHEME_PORTS:
        default_port = _SCHEME_PORTS[scheme]
    else:
        raise Invalid(f"ollama's address {given!r} must begin with http:// or https://")
    authority, _, path = rest.partition("/")
    user, at, authority = authority.rpartition("@")
    host, port = _host_and_port(authority)
    if port and not (port.isdigit() and int(port) < 65536):
        raise Invalid(f"ollama's address {given!r} has a port that is none: {port!r}")
    path = f"/{path}".rstrip("/")
    return f"{scheme}://{user}{at}{_reachable(host)}:{port or default_port}{path}"


def _host_and_port(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        return host, port.removeprefix(":")
    if authority.count(":") > 1:
        return authority, ""
    host, _, port = authority.partition(":")
    return host, port


def _reachable(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if address.version == 6:
        return "[::1]" if address.is_unspecified else f"[{address}]"
    return "127.0.0.1" if address.is_unspecified else host
