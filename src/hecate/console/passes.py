"""Who may use the console: a ticket opens it once, and is exchanged for the key of a session."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from hecate.endpoints import Peer

TICKET_SECONDS: Final = 60.0
"""How long a ticket waits for its browser."""
SESSION_SECONDS: Final = 12 * 3600.0
"""How long a page may be used before a new link is needed."""
MOST: Final = 64
"""How many tickets, and how many sessions, there may be at once; the oldest makes room."""
WORD_BYTES: Final = 32

Clock = Callable[[], float]


class _Pass(NamedTuple):
    peer: Peer
    until: float


class Passes:
    """Tickets and sessions, in memory only: a restart of the daemon ends them all.

    Each acts for the user who has asked for the ticket.  A word is found by the word itself: it has
    256 random bits, so that how long a look-up takes tells nothing that could be used.

    Args:
        clock: The time in seconds, which never goes back.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._tickets: dict[str, _Pass] = {}
        self._sessions: dict[str, _Pass] = {}

    def issue(self, peer: Peer) -> str:
        """Return a ticket for *peer*, good for one exchange within `TICKET_SECONDS`."""
        return self._add(self._tickets, peer, TICKET_SECONDS)

    def exchange(self, ticket: str) -> str | None:
        """Return the key of a new session; None if the ticket is unknown, used, or too old."""
        peer = self._valid(self._tickets.pop(ticket, None))
        return None if peer is None else self._add(self._sessions, peer, SESSION_SECONDS)

    def peer_of(self, key: str) -> Peer | None:
        """Return for whom a session acts; None if there is none, or it has ended."""
        return self._valid(self._sessions.get(key))

    def _add(self, passes: dict[str, _Pass], peer: Peer, seconds: float) -> str:
        while len(passes) >= MOST:
            del passes[next(iter(passes))]
        word = secrets.token_urlsafe(WORD_BYTES)
        passes[word] = _Pass(peer, self._clock() + seconds)
        return word

    def _valid(self, found: _Pass | None) -> Peer | None:
        return None if found is None or self._clock() >= found.until else found.peer
