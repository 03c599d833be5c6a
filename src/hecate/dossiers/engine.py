"""The engine: takes a command to its dossier, and its events to the log and the read models.

All of it happens in one unit of the writer, so that what a command saw is what it changed:
no two commands ever decide on the same version.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec

from hecate.dossiers import job_records, processes as process_states
from hecate.dossiers.dossier import Dossier
from hecate.dossiers.errors import Forgotten, GateClosed, InvalidState, KeyReused, NotFound, Refused, VersionMoved
from hecate.dossiers.event_store import EventStore, NewEvent, now_milliseconds
from hecate.dossiers.event_types import EventTypes, Upcaster
from hecate.dossiers.fold import Folding
from hecate.dossiers.forgotten import is_forgotten, refusal
from hecate.dossiers.ids import IdSource
from hecate.dossiers.job_records import JobEnd
from hecate.dossiers.lifecycle import Start
from hecate.dossiers.processes import actions_in
from hecate.dossiers.read_model import Fact, Meta, Projector, ReadModel

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.desk import Desk
    from hecate.dossiers.messages import Command, Event
    from hecate.dossiers.process import Process

CACHED_DOSSIERS = 2000
CACHED_EVENTS = 50_000
LONGEST_READ_IN_A_UNIT = 300
"""Events that may be read on the event loop, half a millisecond's worth."""

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, kw_only=True)
class Order:
    """A command on its way to its desk."""

    process: Process
    desk: Desk
    command: Command
    subject_id: str = ""
    """Whose process it is; empty where the command begins a new subject."""
    meta: Meta = field(default_factory=Meta)
    key: str = ""
    """The idempotency key; empty: none."""
    fingerprint: bytes = b""
    """What must be the same when the key comes back."""
    expected_version: int | None = None
    warnings: Sequence[str] = field(default=())
    ends: JobEnd | None = None
    """The job whose outcome the command records: both are kept, or neither."""


class Handled(NamedTuple):
    """The answer to a command: HTTP status, JSON body, and the dossier's version."""

    status: int
    body: bytes
    version: int


class Engine:
    """Keeps the dossiers of *desks*' processes in a store, with their read models.

    Args:
        store: Open; closed with the engine.
        desks: Each process with all its desks, the lifecycle's first.
        read_models: Besides the engine's own.
        upcasters: For events of earlier versions.
        strict_gates: Whether a process may start only when the one before it is completed.
        cached_dossiers: How many dossiers are kept at hand.
        cached_events: How many events these may have together; one dossier may have more.
    """

    def __init__(
        self,
        store: EventStore,
        desks: Mapping[Process, Sequence[Desk]],
        read_models: Sequence[ReadModel] = (),
        *,
        upcasters: Sequence[Upcaster] = (),
        strict_gates: bool = False,
        cached_dossiers: int = CACHED_DOSSIERS,
        cached_events: int = CACHED_EVENTS,
    ) -> None:
        self.store = store
        self.desks = dict(desks)
        self.event_types = EventTypes(self.desks.items(), upcasters)
        self.read_models = (process_states.READ_MODEL, *read_models)
        self.strict_gates = strict_gates
        self.jobs_wait = asyncio.Event()
        """Set whenever a command has left a job to be done."""
        self.folding = Folding(tuple(self.desks), self.event_types)
        self._projector = Projector(self.read_models)
        self._by_name = {process.name: process for process in self.desks}
        self._actions = {
            (process, state): actions_in(its_desks, state)
            for process, its_desks in self.desks.items()
            for state in process.lifecycle.status
        }
        self._dossiers: OrderedDict[str, Dossier] = OrderedDict()
        self._most_dossiers, self._most_events = cached_dossiers, cached_events
        self._cached_events = 0
        store.when_undone(self.let_go)
        store.writer.submit_from_thread(lambda db: self.folding.bring_up_to_date(db, self.read_models)).result()
        self._ids = IdSource(store.read_from_thread(store.latest_time).result())

    @classmethod
    def open(cls, path: Path, desks: Mapping[Process, Sequence[Desk]], **options: Any) -> Self:
        """Open the store at *path*; the other arguments are the constructor's.

        Raises:
            Unavailable: The store is damaged, foreign or newer than this code.
        """
        store = EventStore.open(path)
        try:
            return cls(store, desks, **options)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Commit what waits and close the store."""
        self.store.close()

    async def handle(self, order: Order) -> Handled:
        """Carry out *order* and return its answer once it is durable.

        Raises:
            NotFound: There is no such subject.
            InvalidState: The process does not take the command now.
            GateClosed: Strict gates: the process before is not completed, or the desk's own gate is closed.
            VersionMoved: The dossier is not at the expected version.
            KeyReused: The idempotency key belongs to another request.
            Refused: The desk's decision.
        """
        dossier: Dossier | None = None
        while True:
            handled = await self.store.writer.submit(
                lambda db, read=dossier: self._carry_out(db, order, read, LONGEST_READ_IN_A_UNIT)  # type: ignore[misc]
            )
            if handled is not None:
                if order.desk.work is not None:
                    self.jobs_wait.set()
                return handled
            # A long dossier is read beside the event loop; the unit adds what has happened meanwhile.
            dossier = await self.store.read(lambda db: self.rehydrate(db, order.process, order.subject_id))

    def carry_out(self, db: apsw.Connection, order: Order) -> Handled:
        """Do `handle`'s work, within a unit that a thread has submitted."""
        handled = self._carry_out(db, order, None, sys.maxsize)
        assert handled is not None  # noqa: S101 - no dossier is longer than that
        return handled

    def _carry_out(self, db: apsw.Connection, order: Order, read: Dossier | None, longest_read: int) -> Handled | None:
        """Return the answer; None where more than *longest_read* events are missing in *read*, the dossier so far."""
        if order.key and (earlier := self._earlier_answer(db, order)):
            return earlier
        process, desk = order.process, order.desk
        next_id = self._ids.next()
        subject_id = f"v-{next_id}" if desk.makes_subject else order.subject_id
        dossier = self._dossier(db, order, subject_id, read, longest_read)
        if dossier is None:
            return None
        dossier.next_id = next_id
        self._check(db, dossier, order)
        warnings = [*order.warnings]
        self._check_references(db, dossier, order)
        if type(order.command) is Start:
            warnings += self._gate(db, process, subject_id)
        if desk.gate is not None and (closed := desk.gate(db, subject_id)):
            if self.strict_gates:
                raise GateClosed(f"cannot {desk.action} of {process.subject.kind} {subject_id!r}: {closed}")
            warnings.append(closed)
        events = desk.decide(dossier, order.command)
        facts = self._record(db, dossier, events, order.meta)
        at = facts[-1].recorded_at if facts else now_milliseconds()
        job_id = self._add_job(db, dossier, order, facts, at) if desk.leaves_work(order.command) else ""
        handled = self._answer(dossier, order, facts, warnings, job_id)
        if order.ends is not None:
            job_records.end(db, order.ends, at, handled.body)
        if order.key:
            self._keep_answer(db, order, handled, at)
        return handled

    def record(self, db: apsw.Connection, process: Process, subject_id: str, event: Event, meta: Meta) -> None:
        """Record *event*, which no desk decides, within a unit that a thread has submitted."""
        self._record(db, self.rehydrate(db, process, subject_id), (event,), meta)

    # -- before the decision

    def _earlier_answer(self, db: apsw.Connection, order: Order) -> Handled | None:
        row = db.execute(
            "SELECT fingerprint, status, answer, version FROM commands WHERE key = ?", (order.key,)
        ).fetchone()
        if row is None:
            return None
        # Of a forgotten venture nothing is kept by which a request could be guessed, not even its fingerprint.
        if row[0] != order.fingerprint and row[1] != Forgotten.status:
            raise KeyReused(f"the idempotency key {order.key!r} was used for another request; use a new key")
        return Handled(row[1], row[2], row[3])

    @staticmethod
    def _venture_of(db: apsw.Connection, process: Process, subject_id: str) -> str:
        row = db.execute(process.subject.lookup, (subject_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no {process.subject.kind} {subject_id!r}")
        venture_id: str = row[0]
        return venture_id

    def _dossier(
        self, db: apsw.Connection, order: Order, subject_id: str, read: Dossier | None, longest_read: int
    ) -> Dossier | None:
        """Return the dossier, from the cache or its events; None where more than *longest_read* must be read."""
        process = order.process
        stream = process.stream_of(subject_id)
        dossier = self._dossiers.get(stream)
        if dossier is not None:
            self._dossiers.move_to_end(stream)
            return dossier
        if order.desk.makes_subject:
            dossier = Dossier(process, subject_id, subject_id)
        else:
            dossier = read or Dossier(process, subject_id, self._venture_of(db, process, subject_id))
            if self.store.version_of(db, stream) - dossier.version > longest_read:
                return None
            if is_forgotten(db, dossier.venture_id):
                raise refusal(dossier.venture_id)
            self._catch_up(db, dossier)
        self._dossiers[stream] = dossier
        self._cached_events += dossier.version
        self._make_room()
        return dossier

    def _make_room(self) -> None:
        """Put away the dossiers that were not asked for lately; the one at hand is the last."""
        while len(self._dossiers) > 1 and (
            len(self._dossiers) > self._most_dossiers or self._cached_events > self._most_events
        ):
            _, oldest = self._dossiers.popitem(last=False)
            self._cached_events -= oldest.version

    def rehydrate(self, db: apsw.Connection, process: Process, subject_id: str) -> Dossier:
        """Return the dossier of *subject_id*'s *process* as its events in the store tell it.

        Raises:
            NotFound: There is no such subject.
        """
        dossier = Dossier(process, subject_id, self._venture_of(db, process, subject_id))
        self._catch_up(db, dossier)
        return dossier

    def _catch_up(self, db: apsw.Connection, dossier: Dossier) -> None:
        """Add to *dossier* the events after its version."""
        decode = self.event_types.decode
        events = self.store.events_of(db, dossier.stream, dossier.version)
        dossier.replay([(decode(stored_name, data), at) for stored_name, data, at in events])

    def _check(self, db: apsw.Connection, dossier: Dossier, order: Order) -> None:
        expected = order.expected_version
        process, desk = order.process, order.desk
        if expected is not None and expected != dossier.version:
            raise VersionMoved(
                f"cannot {desk.action} {process.name} of {process.subject.kind} {dossier.subject_id!r}: it is at "
                f"version {dossier.version}, not {expected}",
                version=dossier.version,
            )
        if dossier.state not in desk.states:
            progress, _ = process_states.progress_in(db, process, dossier.subject_id)
            if progress.reopened and desk.command is Start:
                return
            actions = actions_in(self.desks[process], dossier.state, reopened=progress.reopened)
            raise InvalidState(
                f"cannot {desk.action} {process.name} of {process.subject.kind} {dossier.subject_id!r}: it is "
                f"{dossier.state}; " + (f"it takes {', '.join(actions)}" if actions else "it takes no command"),
                process=process.name,
                state=dossier.state,
                available_actions=actions,
            )

    @staticmethod
    def _check_references(db: apsw.Connection, dossier: Dossier, order: Order) -> None:
        for reference in order.desk.refers_to:
            named = getattr(order.command, reference.field)
            if named and db.execute(reference.lookup, (named, dossier.subject_id)).fetchone() is None:
                kind = dossier.process.subject.kind
                raise Refused(f"there is no {reference.kind} {named!r} in {kind} {dossier.subject_id!r}")

    def _gate(self, db: apsw.Connection, process: Process, subject_id: str) -> list[str]:
        """Return a warning if the process before *process* is not completed."""
        before = self._by_name.get(process.comes_after)
        if before is None:
            return []
        progress, _ = process_states.progress_in(db, before, subject_id)
        if progress.state == "completed":
            return []
        sentence = f"{before.name} is {progress.state}; it is usually completed before {process.name} starts"
        if self.strict_gates:
            raise GateClosed(
                f"cannot start {process.name} of {process.subject.kind} {subject_id!r}: {before.name} is "
                f"{progress.state} and must be completed first"
            )
        return [sentence]

    # -- after the decision

    def _record(self, db: apsw.Connection, dossier: Dossier, events: Sequence[Event], meta: Meta) -> list[Fact]:
        process, stream, venture_id = dossier.process, dossier.stream, dossier.venture_id
        types = self.event_types
        new = [
            NewEvent(name, types.encode(event), "", types.texts_of(name))
            for event in events
            for name in (types.name_of(process, event),)
        ]
        appended = self.store.append_at(
            db, stream, dossier.version, new, venture_id=venture_id, meta=_encode(meta).decode()
        )
        facts = []
        for event, (name, *_), (position, version, _, at) in zip(events, new, appended, strict=True):
            dossier.record(event, at)
            fact = Fact(
                position,
                stream,
                version,
                name,
                event,
                process,
                dossier.subject_id,
                venture_id,
                at,
                meta,
                dossier.progress,
            )
            self._projector.project(db, fact)
            facts.append(fact)
        self._cached_events += len(facts)
        self._make_room()
        return facts

    @staticmethod
    def _add_job(db: apsw.Connection, dossier: Dossier, order: Order, facts: Sequence[Fact], at: int) -> str:
        """Record the job that does the work of *order*'s desk, and return its id."""
        job_id = dossier.new_id("job")
        job_records.add(
            db,
            job_id=job_id,
            process=order.process.name,
            desk=order.desk.path,
            subject_id=dossier.subject_id,
            venture_id=dossier.venture_id,
            command=_encode(order.command),
            events=[(fact.type, _encode(fact.event).decode()) for fact in facts],
            meta=_encode(order.meta),
            created_at=at,
        )
        return job_id

    def _answer(
        self, dossier: Dossier, order: Order, facts: Sequence[Fact], warnings: Sequence[str], job_id: str
    ) -> Handled:
        process, desk = order.process, order.desk
        made = getattr(facts[-1].event, desk.makes) if desk.makes and facts else job_id or dossier.subject_id
        answer: dict[str, Any] = {
            "ok": True,
            "id": made,
            "venture_id": dossier.venture_id,
            process.subject.parameter: dossier.subject_id,
        }
        if desk.makes and facts:
            answer[desk.makes] = made
        answer |= {
            "process": process.name,
            "state": dossier.state,
            "version": dossier.version,
            "status": process.status_of(dossier.state),
            "status_label": dossier.state,
            "available_actions": self._actions[process, dossier.state],
            "events": [{"type": fact.type, "data": fact.event} for fact in facts],
        }
        if job_id:
            answer |= {"job_id": job_id, "job": {"id": job_id, "state": "queued", "path": f"/api/jobs/{job_id}"}}
        if desk.answer and facts:
            answer |= desk.answer(facts[-1])
        if warnings:
            answer["warnings"] = warnings
        # What leaves no work, of a desk that may, was done at once.
        status = desk.status if job_id or desk.work is None else 201
        return Handled(status, _encode(answer), dossier.version)

    @staticmethod
    def _keep_answer(db: apsw.Connection, order: Order, handled: Handled, at: int) -> None:
        db.execute(
            "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?)",
            (order.key, order.fingerprint, handled.status, handled.version, handled.body, at),
        )

    def let_go(self) -> None:
        """Keep no dossier at hand; within a unit of the writer."""
        self._dossiers.clear()
        self._cached_events = 0
