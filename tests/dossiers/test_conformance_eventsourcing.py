"""The event store passes the recorder tests that the `eventsourcing` library ships for stores of others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import TestCase
from uuid import UUID

import apsw
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Tracking,
)

# The module, not its classes: a test case imported by name would be collected here too, abstract as it is.
from eventsourcing.tests import persistence as shipped

from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.policies import checkpoint, keep_checkpoint

DEADLINE_SECONDS = 20.0


class Aggregates(AggregateRecorder):
    """A recorder on an event store.  Their versions may begin anywhere and have gaps, ours then do too."""

    def __init__(self, store: EventStore) -> None:
        self.store = store

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self.insert(stored_events, kwargs.get("tracking"))
        return None

    def insert(self, stored_events: Sequence[StoredEvent], tracking: Tracking | None = None) -> Sequence[int]:
        """Append the events one by one, and their tracking, in one unit; return their positions."""

        def unit(db: apsw.Connection) -> list[int]:
            positions: list[int] = []
            for event in stored_events:
                before = event.originator_version - 1
                new = [NewEvent(event.topic, event.state.decode())]
                appended = self.store.append_at(db, str(event.originator_id), before, new)
                positions += [position for position, *_ in appended]
            if tracking is not None:
                if checkpoint(db, tracking.application_name) >= tracking.notification_id:
                    raise IntegrityError(tracking)
                keep_checkpoint(db, tracking.application_name, tracking.notification_id)
            return positions

        try:
            return self.store.writer.submit_from_thread(unit).result(DEADLINE_SECONDS)
        except apsw.ConstraintError as error:
            raise IntegrityError from error

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream = str(originator_id)
        events = self.store.read_from_thread(lambda db: self.store.events_after(db, 0, 10_000, streams=[stream]))
        found = [
            StoredEvent(originator_id, event.version, event.type, event.data.encode())
            for event in events.result(DEADLINE_SECONDS)
            if (gt is None or event.version > gt) and (lte is None or event.version <= lte)
        ]
        return (found[::-1] if desc else found)[:limit]


class Application(Aggregates, ApplicationRecorder):
    """The same with notifications, which are the log's positions."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        return self.insert(stored_events, kwargs.get("tracking"))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if start and inclusive_of_start else 0)
        events = self.store.read_from_thread(lambda db: self.store.events_after(db, after, limit, types=topics))
        return [
            Notification(UUID(event.stream), event.version, event.type, event.data.encode(), event.position)
            for event in events.result(DEADLINE_SECONDS)
            if stop is None or event.position <= stop
        ]

    def max_notification_id(self) -> int | None:
        return self.store.head or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Following:
        return Following(self, gt, topics)


class Process(Application, ProcessRecorder):
    """The same with tracking, which is a policy's checkpoint."""

    def insert_tracking(self, tracking: Tracking) -> None:
        self.insert([], tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        found = self.store.read_from_thread(lambda db: checkpoint(db, application_name))
        return found.result(DEADLINE_SECONDS) or None


class Following(ListenNotifySubscription[Application]):
    """Their subscription, woken by waiting past the head of the store."""

    def __init__(self, recorder: Application, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._loop = asyncio.new_event_loop()
        self._following = self._loop.create_task(self._follow())
        self._waker = threading.Thread(target=self._wake)
        self._waker.start()

    async def _follow(self) -> None:
        head = 0
        while True:
            head = await self._recorder.store.wait_past(head)
            self._has_been_notified.set()

    def _wake(self) -> None:
        try:
            self._loop.run_until_complete(asyncio.wait([self._following]))
        finally:
            self._loop.close()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._loop.call_soon_threadsafe(self._following.cancel)
        self._waker.join(DEADLINE_SECONDS)


class OnOurStore(TestCase):
    """Gives each test a store of its own."""

    def setUp(self) -> None:
        self._folder = TemporaryDirectory()
        self.store = EventStore.open(Path(self._folder.name) / "hecate.db")

    def tearDown(self) -> None:
        self.store.close()
        self._folder.cleanup()


class TestAggregateRecorder(OnOurStore, shipped.AggregateRecorderTestCase):
    """Streams: appending and reading, and versions that are taken."""

    def create_recorder(self) -> AggregateRecorder:
        return Aggregates(self.store)


class TestApplicationRecorder(OnOurStore, shipped.ApplicationRecorderTestCase[Application]):
    """The log as a whole: positions, pages, many writers, and subscriptions."""

    def create_recorder(self) -> Application:
        return Application(self.store)

    def test_insert_subscribe(self) -> None:
        """Wait for events, which not every store of theirs can; the shipped test is optional."""
        self.optional_test_insert_subscribe()


class TestTrackingRecorder(OnOurStore, shipped.TrackingRecorderTestCase):
    """Checkpoints: they move on and never back."""

    def create_recorder(self) -> Process:
        return Process(self.store)


class TestProcessRecorder(OnOurStore, shipped.ProcessRecorderTestCase):
    """Events and a checkpoint in one transaction."""

    def create_recorder(self) -> Process:
        return Process(self.store)


class TestPositionsDoNotInterleave(OnOurStore, shipped.NonInterleavingNotificationIDsBaseCase):
    """The positions of one unit follow each other, whoever else is writing."""

    def create_recorder(self) -> Application:
        return Application(self.store)
