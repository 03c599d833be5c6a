"""Opens the console: a link for one browser.

    POST /api/console/open

Only who calls over the Unix socket gets one, since the page acts for whom the kernel says they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from hecate.console.passes import TICKET_SECONDS, Passes
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Call, Route


class NoConsole(HecateError):
    """The console is not to be had here."""

    code = "forbidden"
    status = 403


class Door:
    """Where the console is: the daemon's server puts it there, and `open_console` opens it."""

    def __init__(self) -> None:
        self.passes = Passes()
        self.listen: Callable[[], Awaitable[str]] | None = None
        """Begins to listen unless it does, and returns the page's address; None: nobody serves it."""


class Link(msgspec.Struct, kw_only=True):
    """The answer to ``POST /api/console/open``."""

    ok: bool
    url: str
    """Opens the page once.  The ticket is behind the ``#``, which browsers send to nobody."""
    expires_in_seconds: int


async def open_console(call: Call) -> Mapping[str, Any]:
    """Give a link that opens the console once, for who is calling.

    Raises:
        NoConsole: The caller came over TCP, or the daemon has no listener for it.
    """
    door = call.services.get(Door)
    if call.peer is None or door.listen is None:
        raise NoConsole("the console is opened over the daemon's Unix socket only: `hecate console`")
    address = await door.listen()
    return {"url": f"{address}/#ticket={door.passes.issue(call.peer)}", "expires_in_seconds": int(TICKET_SECONDS)}


ROUTES = (
    Route(
        method="POST",
        path="/api/console/open",
        call=open_console,
        summary="Get a link that opens the console in a browser, once.",
        answer=Link,
        errors=(403, 503),
        tag="console",
    ),
)
