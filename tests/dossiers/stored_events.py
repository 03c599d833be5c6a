"""The golden file of stored events: one example of every name under which an event was ever stored.

A store keeps its events for ever, so every line of ``tests/golden/events.ndjson`` stays for
ever as it is.  A new event, or a new version of one, needs a new line, which this adds from
the examples of the desks:

    .venv/bin/python -m tests.dossiers.stored_events

An event whose fields have changed is a new version: raise ``schema_version`` in its class, and
say in an `hecate.dossiers.event_types.Upcaster` how the old line reads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hecate import catalog
from hecate.dossiers.event_types import EventTypes

GOLDEN_EVENTS = Path(__file__).resolve().parents[1] / "golden" / "events.ndjson"
HOW = "if this is what you meant: .venv/bin/python -m tests.dossiers.stored_events"
ID = "0193f2a1b3c000112345"
"""What the engine would have laid beside the dossier: an example has only the prefix before it."""


class StoredExample(msgspec.Struct, frozen=True):
    """A line of the file."""

    type: str
    data: dict[str, Any]

    @property
    def json(self) -> str:
        """The event's fields, as the store has them."""
        return msgspec.json.encode(self.data).decode()


def stored_examples() -> list[StoredExample]:
    """Return the lines of the file."""
    return msgspec.json.decode(b"[%s]" % b",".join(GOLDEN_EVENTS.read_bytes().splitlines()), type=list[StoredExample])


def event_types() -> EventTypes:
    """Return what the daemon can read and write."""
    found = catalog.find()
    return EventTypes(found.desks.items(), found.upcasters)


def missing() -> list[StoredExample]:
    """Return the lines that the file lacks: what a desk's example has, under the name it is stored by."""
    known = {example.type for example in stored_examples()}
    return [example for name, example in sorted(_from_desks()) if name not in known]


def _from_desks() -> Iterator[tuple[str, StoredExample]]:
    types = event_types()
    seen: set[str] = set()
    for process, desks in catalog.find().desks.items():
        for desk in (*desks, *(desk.work.record for desk in desks if desk.work is not None)):
            for event in (*desk.example.then, *desk.example.given):
                name = types.name_of(process, event)
                if name not in seen:
                    seen.add(name)
                    data = {
                        field: f"{value}{ID}" if field == desk.makes and str(value).endswith("-") else value
                        for field, value in msgspec.to_builtins(event).items()
                    }
                    yield name, StoredExample(name, data)


def add_missing() -> set[str]:
    """Write the file with the missing lines in their places; return the names that no desk has an example of."""
    lines = sorted([*stored_examples(), *missing()], key=lambda example: example.type)
    GOLDEN_EVENTS.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return set(event_types().names) - {line.type for line in lines}


if __name__ == "__main__":
    if without_example := add_missing():
        sys.exit(f"no desk has an example of these, write their lines by hand: {', '.join(sorted(without_example))}")
