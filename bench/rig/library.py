"""The peer of the engine: the `eventsourcing` library with SQLite, as its documentation sets it up."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class Design(Aggregate):
    """What a division's design is to Hecate: named aggregates, each once."""

    @event("Begun")
    def __init__(self) -> None:
        self.names: set[str] = set()

    def design(self, aggregate_name: str, description: str) -> None:
        """Decide, then record.

        Raises:
            ValueError: The aggregate is designed already.
        """
        if aggregate_name in self.names:
            raise ValueError(f"aggregate {aggregate_name!r} is designed already")
        self.add(aggregate_name, description)

    @event("AggregateDesigned")
    def add(self, aggregate_name: str, description: str) -> None:  # noqa: ARG002 - stored with the event
        """Record an aggregate."""
        self.names.add(aggregate_name)


class Designs(Application[UUID]):
    """Keeps designs."""

    def begin(self) -> UUID:
        """Store a new design and return its id."""
        design = Design()
        self.save(design)
        return design.id

    def add(self, design_id: UUID, aggregate_name: str, description: str) -> None:
        """Load a design, decide, and store the event, durably."""
        design: Design = self.repository.get(design_id)
        design.design(aggregate_name, description)
        self.save(design)


def designs_in(place: Path, *, cached: int = 0) -> Designs:
    """Return the application with a new file in *place*; *cached* is how many aggregates its cache may hold."""
    settings = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(place / "library.db")}
    if cached:
        settings |= {"AGGREGATE_CACHE_MAXSIZE": str(cached), "AGGREGATE_CACHE_FASTFORWARD": "n"}
    return Designs(env=settings)
