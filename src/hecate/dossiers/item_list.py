"""Item lists: the read model behind ``GET /api/divisions/{division_id}/designs`` and its like.

Each fact of a kind becomes an item with the event's fields, in the order in which they
happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.read_model import Fact, ReadModel
from hecate.dossiers.times import rfc3339

if TYPE_CHECKING:
    import apsw

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Item:
    """How a fact becomes an item.

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
    """Of the path, of the answer's field and of the table: ``designs``."""
    items: Mapping[str, Item] = field(default_factory=dict)
    """By stored name of the event."""
    besides: Callable[[apsw.Connection, str], Mapping[str, Any]] | None = None
    """Further fields of the answer, from a reader's connection and the subject's id."""

    @property
    def read_model(self) -> ReadModel:
        """The table with its projections."""
        return ReadModel(
            name=self.name,
            schema=f"""
                CREATE TABLE {self.name} (
                    subject_id TEXT    NOT NULL,
                    position   INTEGER NOT NULL,
                    kind       TEXT    NOT NULL,
                    id         TEXT    NOT NULL,
                    data       TEXT    NOT NULL,
                    PRIMARY KEY (subject_id, position)
                ) STRICT, WITHOUT ROWID;
            """,
            projections={name: self._projection(item) for name, item in self.items.items()},
        )

    def _projection(self, item: Item) -> Callable[[apsw.Connection, Fact], None]:
        sql = f"INSERT INTO {self.name} VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - the name is ours

        def add(db: apsw.Connection, fact: Fact) -> None:
            data = _encode(
                {
                    "id": getattr(fact.event, item.id_field),
                    "kind": item.kind,
                    **msgspec.structs.asdict(fact.event),
                    "position": fact.position,
                    "recorded_at": rfc3339(fact.recorded_at),
                }
            )
            values = (fact.subject_id, fact.position, item.kind, getattr(fact.event, item.id_field), data.decode())
            db.execute(sql, values)

        return add

    def page(
        self, db: apsw.Connection, subject_id: str, after: int, limit: int
    ) -> tuple[list[msgspec.Raw], int | None]:
        """Return a page of items as JSON, and the position after which the next page begins, if any."""
        sql = (
            f"SELECT data, position FROM {self.name} WHERE subject_id = ? AND position > ? "  # noqa: S608 - the name is ours
            "ORDER BY position LIMIT ?"
        )
        rows: list[tuple[str, int]] = db.execute(sql, (subject_id, after, limit + 1)).fetchall()  # type: ignore[assignment]
        items = [msgspec.Raw(data.encode()) for data, _ in rows[:limit]]
        return items, rows[limit - 1][1] if len(rows) > limit else None
