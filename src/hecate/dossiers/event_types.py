"""Stored names and the classes behind them, and how an old event becomes a new one.

An event is stored under its name for ever.  When its fields change, the class gets the next
``schema_version`` and an `Upcaster` says how the old one reads today; the store is never
rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.errors import Unavailable
from hecate.dossiers.messages import stored_name
from hecate.dossiers.texts import texts_of

if TYPE_CHECKING:
    from hecate.dossiers.desk import Desk
    from hecate.dossiers.messages import Event
    from hecate.dossiers.process import Process


@dataclass(frozen=True, slots=True)
class Upcaster:
    """How an event of an earlier version is read.

    Args:
        stored: The name in the store: ``event_designed_v1``.
        becomes: The name of the next version: ``event_designed_v2``.
        change: A pure function from the stored fields to the next version's.
    """

    stored: str
    becomes: str
    change: Callable[[Mapping[str, Any]], Mapping[str, Any]]


class EventTypes:
    """Every kind of event that the daemon writes or has ever written.

    Args:
        desks: Each process with all its desks.
        upcasters: Those for the names that no class has any more.

    Raises:
        ValueError: Two classes have one stored name, or an upcaster leads nowhere or in a circle.
    """

    def __init__(self, desks: Iterable[tuple[Process, Sequence[Desk]]], upcasters: Iterable[Upcaster] = ()) -> None:
        self._names: dict[tuple[str, type[Event]], str] = {}
        self._decode: dict[str, Callable[[str], Event]] = {}
        self._texts: dict[str, str] = {}
        self._encode = msgspec.json.Encoder().encode
        for process, its_desks in desks:
            for kind in process.lifecycle.events:
                self._add(process, kind, stored_name(kind, process.noun))
            for kind in process.lifecycle.facts:
                self._add(process, kind, stored_name(kind))
            for desk in its_desks:
                for kind in desk.records:
                    if (process.noun, kind) not in self._names:
                        self._add(process, kind, stored_name(kind))
        self._versions: dict[str, tuple[str, ...]] = {name: (name,) for name in self._decode}
        old = tuple(upcasters)
        for upcaster in old:
            self._add_upcaster(upcaster)
        becomes = {upcaster.stored: upcaster.becomes for upcaster in old}
        for upcaster in old:
            self._versions[self._today(upcaster.stored, becomes)] += (upcaster.stored,)

    def _add(self, process: Process, kind: type[Event], name: str) -> None:
        if name in self._decode:
            raise ValueError(f"two kinds of events are stored as {name}: the second is {kind!r} of {process.name}")
        self._names[process.noun, kind] = name
        self._decode[name] = msgspec.json.Decoder(kind).decode
        self._texts[name] = texts_of(kind)

    def _add_upcaster(self, upcaster: Upcaster) -> None:
        if upcaster.stored in self._decode:
            raise ValueError(f"{upcaster.stored} is read twice: by a class and by an upcaster, or by two upcasters")

        def decode(data: str) -> Event:
            changed = upcaster.change(msgspec.json.decode(data))
            return self._decode[upcaster.becomes](self._encode(changed).decode())

        self._decode[upcaster.stored] = decode

    def _today(self, name: str, becomes: Mapping[str, str]) -> str:
        way = [name]
        while (following := becomes.get(way[-1])) is not None:
            if following in way or following not in self._decode:
                raise ValueError(f"{' becomes '.join([*way, following])}, which nothing can read")
            way.append(following)
        return way[-1]

    @property
    def names(self) -> frozenset[str]:
        """Every stored name that can be read."""
        return frozenset(self._decode)

    def versions_of(self, name: str) -> tuple[str, ...]:
        """Return every stored name that is read as *name* today, *name* itself first."""
        return self._versions.get(name, (name,))

    def name_of(self, process: Process, event: Event) -> str:
        """Return the name under which *event* of *process* is stored."""
        return self._names[process.noun, type(event)]

    def names_of_moving(self, processes: Iterable[Process]) -> set[str]:
        """Return the names of the events that move the lifecycles of *processes*."""
        return {self._names[process.noun, kind] for process in processes for kind in process.lifecycle.moving}

    def texts_of(self, name: str) -> str:
        """Return where the texts are in an event stored under *name*; empty where it has none."""
        return self._texts.get(name, "")

    def encode(self, event: Event) -> str:
        """Return *event*'s fields as JSON."""
        return self._encode(event).decode()

    def decode(self, name: str, data: str) -> Event:
        """Return the event stored under *name* with the fields *data*, as it reads today.

        Raises:
            Unavailable: No version of Hecate that this one knows has stored such an event.
        """
        try:
            decode = self._decode[name]
        except KeyError:
            raise Unavailable(
                f"the store has an event {name!r}, which this Hecate cannot read; a newer one has written it"
            ) from None
        return decode(data)
