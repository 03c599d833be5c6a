"""The daemon's own decisions about the mesh: recorded in the event log, and what follows from them now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.event_store import EventStore, NewEvent
from hecate.dossiers.read_model import Meta
from hecate.join_mesh.mesh_events import (
    NAMES,
    STREAM,
    CapabilityAnnounced,
    CapabilityWithdrawn,
    GrantMade,
    GrantRevoked,
    VentureShared,
    VentureUnshared,
    decoded,
    encoded,
)

if TYPE_CHECKING:
    import apsw

    from hecate.dossiers.messages import Event

_encode_meta = msgspec.json.Encoder().encode


class Decisions:
    """What the events of the stream add up to."""

    def __init__(self) -> None:
        self.capabilities: dict[str, tuple[CapabilityAnnounced, int]] = {}
        """By ``mri``, with when it was announced, in milliseconds since 1970, UTC."""
        self.ventures: dict[str, VentureShared] = {}
        """The shared ones, by id."""
        self.grants: dict[str, GrantMade] = {}
        self.revoked_grants: set[str] = set()
        self.version = 0
        """How many events there were."""

    def record(self, event: Event, at: int) -> None:
        """Let *event* have happened *at* so many milliseconds since 1970, UTC."""
        self.version += 1
        match event:
            case CapabilityAnnounced():
                self.capabilities[event.mri] = (event, at)
            case CapabilityWithdrawn():
                self.capabilities.pop(event.mri, None)
            case VentureShared():
                self.ventures[event.venture_id] = event
            case VentureUnshared():
                self.ventures.pop(event.venture_id, None)
            case GrantMade():
                self.grants[event.token_id] = event
            case GrantRevoked():
                self.revoked_grants.add(event.token_id)


class MeshLog:
    """The stream, and the decisions that it tells of.

    Args:
        store: The daemon's event log.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._recording = asyncio.Lock()
        self._decisions: Decisions | None = None

    async def decisions(self) -> Decisions:
        """Return what holds now."""
        async with self._recording:
            return await self._loaded()

    async def record(self, decide: Callable[[Decisions], Sequence[Event]], meta: Meta) -> Sequence[Event]:
        """Record what *decide* makes of the decisions so far, and return it.

        Raises:
            HecateError: What *decide* raises.
            Unavailable: Nothing can be recorded now.
        """
        async with self._recording:
            decisions = await self._loaded()
            events = decide(decisions)
            new = [NewEvent(NAMES[type(event)], encoded(event)) for event in events]
            said = _encode_meta(meta).decode()
            appended = await self._store.writer.submit(lambda db: self._store.append(db, STREAM, new, meta=said))
            for event, (_, _, _, at) in zip(events, appended, strict=True):
                decisions.record(event, at)
            return events

    async def _loaded(self) -> Decisions:
        if self._decisions is None:
            decisions = Decisions()
            for name, data, at in await self._store.read(_stored):
                decisions.record(decoded(name, data), at)
            self._decisions = decisions
        return self._decisions


def _stored(db: apsw.Connection) -> list[tuple[str, str, int]]:
    return list(EventStore.events_of(db, STREAM))
