"""Policies: what follows from a fact, after it is durable.

Each policy has a checkpoint of its own.  Its command carries an idempotency key made of the
policy and the event, so that a crash between the two never lets it act twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from hecate.dossiers.engine import Engine, Order
from hecate.dossiers.errors import HecateError, Unavailable
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.read_model import Actor, Meta

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.hash_chain import StoredEvent
    from hecate.dossiers.messages import Command, Event

EVENTS_A_STEP = 100
SECONDS_BETWEEN_TRIES = 1.0

log = structlog.get_logger(__name__)
_decode_meta = msgspec.json.Decoder(Meta).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A command that a policy asks for."""

    process: str
    """The process's name: ``rescue_division``."""
    subject_id: str
    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule of the form: when this has happened, ask for that."""

    name: str
    """``on_incident_raised_maybe_start_rescue``; its checkpoint's name, for ever."""
    on: tuple[str, ...]
    """Today's stored names of the events that it reacts to."""
    react: Callable[[Event, str], Reaction | None]
    """A pure function of the event and its stream's subject id."""


class PolicyRunner:
    """Follows the log for every policy of *policies*.  `run` ends only when it is cancelled.

    Args:
        engine: What the policies' commands go to.
        policies: Each with a name of its own.
        seconds_between_tries: How long a policy waits where the store takes nothing.
    """

    def __init__(
        self, engine: Engine, policies: Sequence[Policy], *, seconds_between_tries: float = SECONDS_BETWEEN_TRIES
    ) -> None:
        self._engine = engine
        self._policies = policies
        self._seconds_between_tries = seconds_between_tries
        self._desks = {
            (process.name, desk.command): (process, desk) for process, desks in engine.desks.items() for desk in desks
        }

    async def run(self) -> None:
        """React to what has happened since each policy's checkpoint, and to all that happens."""
        async with asyncio.TaskGroup() as group:
            for policy in self._policies:
                group.create_task(self._follow(policy), name=f"policy {policy.name}")

    async def _follow(self, policy: Policy) -> None:
        store = self._engine.store
        types = [stored for name in policy.on for stored in self._engine.event_types.versions_of(name)]
        position = await store.read(lambda db: checkpoint(db, policy.name))
        with store.watching(types) as watch:
            while True:
                await watch.wait()
                position = await self._catch_up(policy, types, position)

    async def _catch_up(self, policy: Policy, types: list[str], position: int) -> int:
        """React to the events of *types* after *position*, and return how far the log has been seen."""
        store = self._engine.store
        before = position
        has_more = True
        while has_more:
            head = store.head
            events = await store.read(
                lambda db, after=position: EventStore.events_after(db, after, EVENTS_A_STEP, types=types)  # type: ignore[misc]
            )
            for stored in events:
                await self._react(policy, stored)
                position = stored.position
            has_more = len(events) == EVENTS_A_STEP
            if not has_more:
                # What is not of the policy's own kinds is passed over in one step.
                position = max(head, position)
            if position > before:
                await self._insist(policy, partial(self._keep_checkpoint, policy, position))
        return position

    async def _react(self, policy: Policy, stored: StoredEvent) -> None:
        event = self._engine.event_types.decode(stored.type, stored.data)
        reaction = policy.react(event, stored.stream.partition("-")[2])
        if reaction is None:
            return
        process, desk = self._desks[reaction.process, type(reaction.command)]
        # With a line break, which no HTTP header has: a caller cannot take the key before the policy does.
        key = f"policy\n{policy.name}\n{stored.event_id}"
        meta = Meta(
            correlation_id=_decode_meta(stored.meta).correlation_id,
            causation_id=stored.event_id,
            actor=Actor(policy=policy.name),
        )
        order = Order(
            process=process,
            desk=desk,
            command=reaction.command,
            subject_id=reaction.subject_id,
            meta=meta,
            key=key,
            fingerprint=hashlib.sha256(key.encode()).digest(),
        )
        try:
            await self._insist(policy, partial(self._engine.handle, order))
        except HecateError as refusal:
            log.info("policy refused", policy=policy.name, position=stored.position, error=str(refusal))

    async def _keep_checkpoint(self, policy: Policy, position: int) -> None:
        await self._engine.store.writer.submit(lambda db: keep_checkpoint(db, policy.name, position))

    async def _insist(self, policy: Policy, act: Callable[[], Awaitable[object]]) -> None:
        """Do *act*, again and again until the store takes it."""
        while True:
            try:
                await act()
            except Unavailable as refusal:
                log.warning("policy waits", policy=policy.name, error=str(refusal))
                await asyncio.sleep(self._seconds_between_tries)
            else:
                return


def checkpoint(db: apsw.Connection, name: str) -> int:
    """Return the position up to which *name* has seen the log, 0 at first."""
    row = db.execute("SELECT position FROM checkpoints WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0


def keep_checkpoint(db: apsw.Connection, name: str, position: int) -> None:
    """Move *name*'s checkpoint on to *position*; it never moves back."""
    db.execute(
        "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position "
        "WHERE excluded.position > position",
        (name, position),
    )
