"""What ``--watch`` shares: to be woken whenever something has happened to a venture."""

from __future__ import annotations

from collections.abc import Iterator

from hecate.client import Client, Selection


def positions_after(client: Client, venture_id: str, position: int) -> Iterator[int]:
    """Yield the position of each event of the venture after *position*, as it happens, without end.

    A daemon that is started again is waited for, as `Client.follow_events` does.
    """
    with client.follow_events(Selection(after=position, venture_id=venture_id)) as events:
        for event in events:
            yield event.position
