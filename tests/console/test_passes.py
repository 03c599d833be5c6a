"""Tickets and sessions of the console."""

from __future__ import annotations

from hecate.console.passes import MOST, SESSION_SECONDS, TICKET_SECONDS, Passes
from hecate.endpoints import Peer

SOMEBODY = Peer(1000, 1000, 4242)


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_becomes_a_session_once() -> None:
    """The session acts for whom the ticket was made; the ticket is spent."""
    passes = Passes()
    ticket = passes.issue(SOMEBODY)
    key = passes.exchange(ticket)
    assert key is not None
    assert key != ticket
    assert passes.peer_of(key) == SOMEBODY
    assert passes.exchange(ticket) is None


def test_a_ticket_is_no_key_and_a_key_no_ticket() -> None:
    """Each opens its own door only."""
    passes = Passes()
    ticket = passes.issue(SOMEBODY)
    assert passes.peer_of(ticket) is None
    key = passes.exchange(ticket)
    assert key is not None
    assert passes.exchange(key) is None


def test_a_ticket_waits_a_minute() -> None:
    """Then it opens nothing."""
    clock = Clock()
    passes = Passes(clock)
    early, late = passes.issue(SOMEBODY), passes.issue(SOMEBODY)
    clock.now = TICKET_SECONDS - 1
    assert passes.exchange(early) is not None
    clock.now = TICKET_SECONDS
    assert passes.exchange(late) is None


def test_a_session_ends() -> None:
    """After half a day."""
    clock = Clock()
    passes = Passes(clock)
    key = passes.exchange(passes.issue(SOMEBODY))
    assert key is not None
    clock.now = SESSION_SECONDS - 1
    assert passes.peer_of(key) == SOMEBODY
    clock.now = SESSION_SECONDS
    assert passes.peer_of(key) is None


def test_there_are_only_so_many() -> None:
    """Whoever asks for tickets without end fills no memory: the oldest makes room."""
    passes = Passes()
    tickets = [passes.issue(SOMEBODY) for _ in range(MOST + 1)]
    assert passes.exchange(tickets[0]) is None
    assert passes.exchange(tickets[1]) is not None
