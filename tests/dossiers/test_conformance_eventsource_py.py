"""The event store passes the conformance tests that `eventsource-py` ships for stores of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import apsw
import pytest
from eventsource.domain import StreamId
from eventsource.domain.event import DomainEvent
from eventsource.domain.exceptions import DuplicateEventError, OptimisticLockError
from eventsource.ports import (
    AppendResult,
    CategoryReadOptions,
    EventEnvelope,
    ExpectedVersion,
    FeedReadOptions,
    Position,
    ReadDirection,
    StreamReadOptions,
)

# The module, not its classes: an abstract suite imported by name would be collected here too.
from eventsource.testing import conformance_ports as shipped
from eventsource.testing.conformance_ports._fixtures import ConformanceEvent
from eventsource.testing.conformance_ports.stateful import StoreStateMachine
from eventsource.testing.sync_facade import SyncStoreFacade
from hypothesis import settings

from hecate.dossiers.errors import VersionMoved
from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.hash_chain import StoredEvent

ALL = 100_000


class Adapter:
    """Their ports on an event store; their tenant is our venture."""

    max_append_batch: int | None = None

    def __init__(self, path: Path) -> None:
        self.store = EventStore.open(path)

    async def append(self, stream: StreamId, events: Sequence[DomainEvent], expected: ExpectedVersion) -> AppendResult:
        if not events:
            raise ValueError("nothing to append: the batch is empty")
        wanted = {"no_stream": 0, "exact": expected.version}.get(expected.kind)

        def unit(db: apsw.Connection) -> AppendResult:
            if expected.kind == "stream_exists" and self.store.version_of(db, stream.render()) == 0:
                raise OptimisticLockError(stream.aggregate_id, 1, 0)
            appended = []
            for number, event in enumerate(events):
                if self._has(db, event.event_id):
                    raise DuplicateEventError(event.event_id)
                new = NewEvent(event.event_type, event.model_dump_json(), str(event.event_id))
                appended += self.store.append(
                    db,
                    stream.render(),
                    [new],
                    expected_version=None if wanted is None else wanted + number,
                    venture_id=str(event.tenant_id or ""),
                )
            return AppendResult(stream, appended[-1].version, self._position(appended[0].position))

        try:
            return await self.store.writer.submit(unit)
        except VersionMoved as moved:
            raise OptimisticLockError(stream.aggregate_id, wanted or 0, moved.details["version"]) from moved

    async def read_stream(
        self, stream: StreamId, options: StreamReadOptions | None = None
    ) -> AsyncIterator[EventEnvelope]:
        asked = options or StreamReadOptions()
        events = await self.store.read(lambda db: self.store.events_after(db, 0, ALL, streams=[stream.render()]))
        first, last = asked.from_version or 0, asked.to_version or ALL
        found = [event for event in events if first <= event.version <= last]
        for event in (found[::-1] if asked.direction is ReadDirection.BACKWARD else found)[: asked.limit]:
            yield self._envelope(event)

    async def get_stream_version(self, stream: StreamId) -> int:
        return await self.store.read(lambda db: self.store.version_of(db, stream.render()))

    async def event_exists(self, event_id: UUID) -> bool:
        return await self.store.read(lambda db: self._has(db, event_id))

    async def read_all(
        self, from_position: Position | None = None, options: FeedReadOptions | None = None
    ) -> AsyncIterator[EventEnvelope]:
        asked = options or FeedReadOptions()
        after = int(from_position.key[0]) if from_position else 0
        tenant = str(asked.tenant_id or "")
        for event in await self.store.read(
            lambda db: self.store.events_after(db, after, asked.limit or ALL, venture_id=tenant)
        ):
            yield self._envelope(event)

    async def current_position(self) -> Position | None:
        return self._position(self.store.head) if self.store.head else None

    async def read_category(
        self, category: str, options: CategoryReadOptions | None = None
    ) -> AsyncIterator[EventEnvelope]:
        asked = options or CategoryReadOptions()
        left = asked.limit or ALL
        async for envelope in self.read_all(options=FeedReadOptions(tenant_id=asked.tenant_id)):
            early = asked.from_timestamp is not None and envelope.stored_at < asked.from_timestamp
            if left and not early and envelope.stream_id.category == category:
                left -= 1
                yield envelope

    async def close(self) -> None:
        self.store.close()

    @staticmethod
    def _has(db: apsw.Connection, event_id: UUID) -> bool:
        return db.execute("SELECT 1 FROM events WHERE event_id = ?", (str(event_id),)).fetchone() is not None

    def _position(self, position: int) -> Position:
        return Position(str(self.store.path), (position,))

    def _envelope(self, event: StoredEvent) -> EventEnvelope:
        return EventEnvelope(
            ConformanceEvent.model_validate_json(event.data),
            StreamId.parse(event.stream),
            event.version,
            self._position(event.position),
            datetime.fromtimestamp(event.recorded_at / 1000, UTC),
        )


class OnOurStore:
    """Gives each test a store of its own."""

    @pytest.fixture
    async def store(self, path: Path) -> AsyncIterator[Adapter]:
        """Give an adapter to an empty store."""
        adapter = Adapter(path)
        yield adapter
        await adapter.close()


class TestAppender(OnOurStore, shipped.AppenderConformance):
    """Appending with every kind of expected version."""


class TestStreamReader(OnOurStore, shipped.StreamReaderConformance):
    """Reading a stream."""


class TestEventLookup(OnOurStore, shipped.EventLookupConformance):
    """Finding an event by its id."""


class TestGlobalFeed(OnOurStore, shipped.GlobalFeedConformance):
    """Reading the log."""


class TestCategoryQuery(OnOurStore, shipped.CategoryQueryConformance):
    """Reading the streams of one kind."""


class Machine(StoreStateMachine):
    """Appends in any order, beside their model of a store."""

    def make_store(self) -> SyncStoreFacade:
        self.folder = TemporaryDirectory()
        return SyncStoreFacade(Adapter(Path(self.folder.name) / "hecate.db"))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=30)
