"""How many checks are polled at once, so that those which take long hold up only their like.

Checks that have timed out lately have a lane of their own: a hundred targets that never answer do not hold up one that
does.  Commands have one, since a process costs much more than a connection.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from hecate.monitor_division.monitor_settings import MonitorSettings

SLOW_SHARE = 4
"""One place in so many is for checks that have timed out."""

P = TypeVar("P")


class Lane(Enum):
    """Who waits for whom."""

    PROMPT = "prompt"
    SLOW = "slow"
    COMMAND = "command"


class Lanes(Generic[P]):
    """Lets polls in, so many at once in each lane, and the others in the order in which they came."""

    def __init__(self, settings: MonitorSettings) -> None:
        slow = max(1, settings.polls_at_once // SLOW_SHARE)
        self._room = {
            Lane.PROMPT: max(1, settings.polls_at_once - slow),
            Lane.SLOW: slow,
            Lane.COMMAND: settings.commands_at_once,
        }
        self._waiting: dict[Lane, deque[P]] = {lane: deque() for lane in Lane}

    @property
    def waiting(self) -> int:
        """How many polls are due and have no room yet."""
        return sum(map(len, self._waiting.values()))

    def enter(self, lane: Lane, poll: P) -> bool:
        """Tell whether there is room for *poll* now; if not, it waits."""
        if self._room[lane] > 0:
            self._room[lane] -= 1
            return True
        self._waiting[lane].append(poll)
        return False

    def leave(self, lane: Lane) -> P | None:
        """Give back a place in *lane*; return the poll that takes it at once, if one waits."""
        if self._waiting[lane]:
            return self._waiting[lane].popleft()
        self._room[lane] += 1
        return None
