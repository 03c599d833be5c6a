"""Following the log: what has happened after a position, and then all that happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from hecate.dossiers.errors import Invalid

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.event_store import EventStore
    from hecate.dossiers.hash_chain import StoredEvent
    from hecate.endpoints import Call

Read = Callable[["apsw.Connection", int, int, int], "list[StoredEvent]"]
"""From a connection, a position, a number and a size in bytes to the next events of interest.

There are none left if it gives none; it may give fewer than the number where these are of the size already.
"""

EVENTS_A_READ = 200
BYTES_A_READ = 64 * 1024
"""An event may have a megabyte, and each follower who does not read on holds one read three times over."""
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": still here\n\n"
LAST_POSITION = 2**63 - 1
DIGITS = len(str(LAST_POSITION))


async def follow(
    store: EventStore,
    read: Read,
    after: int,
    write: Callable[[StoredEvent], bytes],
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """Give every event that *read* finds after *after*, as *write* has it, for ever.

    A comment goes out at once, and each *heartbeat_seconds* while nothing happens.  Events are read when
    they are wanted: a slow reader costs no memory.
    """
    position = after
    yield HEARTBEAT
    while True:
        try:
            async with asyncio.timeout(heartbeat_seconds):
                head = await store.wait_past(position)
        except TimeoutError:
            yield HEARTBEAT
            continue
        events = await store.read(lambda db, at=position: read(db, at, EVENTS_A_READ, BYTES_A_READ))  # type: ignore[misc]
        if events:
            position = events[-1].position
            piece = b"".join(map(write, events))
            del events
            yield piece
        else:
            # There is nothing more of interest up to the head that was waited for.
            position = max(head, position)


def resume_at(call: Call, after: int | None, head: int) -> int:
    """Return the position to go on from: ``Last-Event-ID``, else *after*, else *head*.

    Raises:
        Invalid: ``Last-Event-ID`` is not a position.
    """
    last = call.headers.get("last-event-id", "")
    if last:
        if not last.isdecimal() or len(last) > DIGITS or int(last) > LAST_POSITION:
            raise Invalid(f"the Last-Event-ID header must be a position, a whole number, not {last[:40]!r}")
        return int(last)
    return head if after is None else after
