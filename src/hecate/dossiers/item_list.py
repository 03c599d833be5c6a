"""Item lists: what stands behind ``GET /api/divisions/{division_id}/designs`` and its like.

Each event of a kind is an item with the event's fields, in the order in which they happened.
An item never changes, so there is no table: the dossier itself is read, through its index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.times import rfc3339

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.event_types import EventTypes
    from hecate.dossiers.messages import Event


@dataclass(frozen=True, slots=True)
class Item:
    """How an event becomes an item.

    Args:
        kind: The item's ``kind``: ``aggregate``.
        id_field: The event's field that is the item's ``id`` too.
    """

    kind: str
    id_field: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemList:
    """What a process has made, as a list under the name of the list."""

    name: str
    """Of the path and of the answer's field: ``designs``."""
    items: Mapping[str, Item] = field(default_factory=dict)
    """By today's stored name of the event."""
    besides: Callable[[apsw.Connection, str], Mapping[str, Any]] | None = None
    """Further fields of the answer, from a reader's connection and the subject's id."""

    def page(
        self, db: apsw.Connection, stream: str, event_types: EventTypes, after: int, limit: int
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return a page of items, and the position after which the next page begins, if any."""
        if not self.items:
            return [], None
        items = {stored: item for name, item in self.items.items() for stored in event_types.versions_of(name)}
        sql = (
            "SELECT position, type, data, recorded_at FROM events WHERE stream = ? AND position > ? "  # noqa: S608 - marks only
            # The plus keeps SQLite from the index of types: a stream has few events, a type may have millions.
            f"AND +type IN ({', '.join('?' * len(items))}) ORDER BY version LIMIT ?"
        )
        rows: list[tuple[int, str, str, int]] = db.execute(sql, (stream, after, *items, limit + 1)).fetchall()  # type: ignore[assignment]
        page = [
            _as_fields(items[stored], event_types.decode(stored, data), position, recorded_at)
            for position, stored, data, recorded_at in rows[:limit]
        ]
        return page, rows[limit - 1][0] if len(rows) > limit else None


def _as_fields(item: Item, event: Event, position: int, recorded_at: int) -> dict[str, Any]:
    return {
        "id": getattr(event, item.id_field),
        "kind": item.kind,
        **msgspec.structs.asdict(event),
        "position": position,
        "recorded_at": rfc3339(recorded_at),
    }
