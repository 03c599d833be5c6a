"""What checks ask, read from the text of their target: a URL, a host with a port, a command line."""

from __future__ import annotations

import re
import shlex
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from hecate.dossiers.errors import Invalid
from hecate.monitor_division.refused_addresses import is_refused

CheckType = Literal["http", "tcp", "command"]

AT = " - at `$.target`"
HOST = re.compile(r"[^\s/\\?#@\[\]]{1,253}")
"""Names with underscores are no host names by the book, and containers have them."""
PORT = re.compile(r"[0-9]{1,5}")


class TcpTarget(NamedTuple):
    """Where a connection is made to."""

    host: str
    port: int


def check_target(kind: CheckType, target: str) -> None:
    """Refuse a *target* that a check of *kind* cannot ask.

    Raises:
        Invalid: It says nothing that can be asked, or leads where no check may go.
    """
    if kind == "http":
        http_target(target)
    elif kind == "tcp":
        tcp_target(target)
    else:
        command_target(target)


def http_target(target: str) -> str:
    """Return the URL that *target* is.

    Raises:
        Invalid: It is no URL of http or https, holds a password, or leads where no check may go.
    """
    try:
        url = urlsplit(target)
        port = url.port
    except ValueError as exc:
        raise Invalid(f"the target {target!r} is no URL: {exc}{AT}") from exc
    if url.scheme not in {"http", "https"} or not _is_host(url) or port == 0:
        raise Invalid(f"a check of type http needs a URL such as http://127.0.0.1:8000/health, not {target!r}{AT}")
    if url.username is not None or url.password is not None:
        # It would be in every answer, event and log line that shows the check.
        raise Invalid(f"a target must not hold a user name or password{AT}")
    if any(character.isspace() for character in target):
        raise Invalid(f"the target {target!r} has a space in it{AT}")
    _refuse_address(url.hostname or "")
    return target


def tcp_target(target: str) -> TcpTarget:
    """Return the host and the port that *target* names: ``127.0.0.1:5432`` or ``[::1]:5432``.

    Raises:
        Invalid: It names none, or leads where no check may go.
    """
    host, colon, port = target.removeprefix("tcp://").rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    sound = colon and HOST.fullmatch(host) and (bracketed or ":" not in host)
    if not sound or not PORT.fullmatch(port) or not 0 < int(port) <= 65535:
        raise Invalid(f"a check of type tcp needs a host with a port, such as 127.0.0.1:5432, not {target!r}{AT}")
    _refuse_address(host)
    return TcpTarget(host, int(port))


def command_target(target: str) -> tuple[str, ...]:
    """Return the words of the command line *target*, quoted as for a shell; no shell reads it.

    Raises:
        Invalid: A quote is not closed, or there is no word.
    """
    try:
        words = tuple(shlex.split(target))
    except ValueError as exc:
        raise Invalid(f"the command {target!r} cannot be read: {exc}{AT}") from exc
    if not words or not words[0]:
        raise Invalid(f"a check of type command needs a command such as 'pg_isready --quiet', not {target!r}{AT}")
    return words


def _is_host(url: SplitResult) -> bool:
    host = url.hostname
    return host is not None and HOST.fullmatch(host) is not None


def _refuse_address(host: str) -> None:
    if is_refused(host):
        raise Invalid(f"no check may ask {host}: link-local and cloud metadata addresses are refused{AT}")
