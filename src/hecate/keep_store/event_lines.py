"""An event as a line of JSON that holds all of it, byte for byte, and back: what an export writes and an import reads.

Two forms: the daemon's own, as ``GET /api/events`` has it, and CloudEvents 1.0 with what is ours as extensions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.dossiers.hash_chain import StoredEvent
from hecate.dossiers.times import rfc3339_milliseconds

Form = Literal["ndjson", "cloudevents"]

SOURCE: Final = "/streams/"

_encode = msgspec.json.Encoder().encode


class EventLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event in the daemon's own form."""

    position: int
    stream: str
    version: int
    type: str
    data: msgspec.Raw
    """As it is stored: each of its bytes is in the hash."""
    recorded_at: str
    meta: msgspec.Raw
    event_id: str
    venture_id: str
    hash: str
    texts: str = ""
    """Where in ``data`` the texts are for which commitments are in the hash; not there where none is."""
    key: str = ""
    """The venture's, in hexadecimal, with which those are computed: a line proves itself."""


class CloudEventLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as a CloudEvent; extensions have no JSON in them, so that ``meta`` is a text."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    datacontenttype: str
    data: msgspec.Raw
    hecateposition: str
    hecateversion: int
    hecatehash: str
    hecateventure: str
    hecatemeta: str
    hecatetexts: str = ""
    hecatekey: str = ""


class LineOfEvent(NamedTuple):
    """What a line holds: an event, and the key of its venture if its hash needs it."""

    event: StoredEvent
    key: bytes
    """Empty: it does not."""


_decode_line = msgspec.json.Decoder(EventLine).decode
_decode_cloud_event = msgspec.json.Decoder(CloudEventLine).decode


def native_line(event: StoredEvent, key: bytes) -> bytes:
    """Return *event* in the daemon's own form, with its line end; *key* is what its hash needs."""
    line = EventLine(
        position=event.position,
        stream=event.stream,
        version=event.version,
        type=event.type,
        data=msgspec.Raw(event.data.encode()),
        recorded_at=rfc3339_milliseconds(event.recorded_at),
        meta=msgspec.Raw(event.meta.encode()),
        event_id=event.event_id,
        venture_id=event.venture_id,
        hash=event.hash.hex(),
        texts=event.texts or "",
        key=key.hex(),
    )
    return _encode(line) + b"\n"


def cloud_event_line(event: StoredEvent, key: bytes) -> bytes:
    """Return *event* as a CloudEvent, with its line end; *key* is what its hash needs."""
    line = CloudEventLine(
        specversion="1.0",
        id=event.event_id,
        source=f"{SOURCE}{event.stream}",
        type=event.type,
        time=rfc3339_milliseconds(event.recorded_at),
        datacontenttype="application/json",
        data=msgspec.Raw(event.data.encode()),
        hecateposition=str(event.position),
        hecateversion=event.version,
        hecatehash=event.hash.hex(),
        hecateventure=event.venture_id,
        hecatemeta=event.meta,
        hecatetexts=event.texts or "",
        hecatekey=key.hex(),
    )
    return _encode(line) + b"\n"


LINES: Final[Mapping[Form, Callable[[StoredEvent, bytes], bytes]]] = {
    "ndjson": native_line,
    "cloudevents": cloud_event_line,
}


def event_of(line: bytes, number: int) -> LineOfEvent:
    """Return the event that *line* holds, in either form; *number* is the line's, from 1.

    Raises:
        Invalid: It holds none.
    """
    try:
        return _of_cloud_event(_decode_cloud_event(line)) if b'"specversion"' in line else _of_line(_decode_line(line))
    except (msgspec.MsgspecError, ValueError) as exc:
        raise Invalid(f"line {number} is no event as `hecate export` writes it: {exc}") from exc


def _of_line(line: EventLine) -> LineOfEvent:
    event = StoredEvent(
        line.position,
        line.stream,
        line.version,
        line.venture_id,
        line.event_id,
        line.type,
        bytes(line.data).decode(),
        bytes(line.meta).decode(),
        _milliseconds(line.recorded_at),
        bytes.fromhex(line.hash),
        line.texts or None,
    )
    return LineOfEvent(event, bytes.fromhex(line.key))


def _of_cloud_event(line: CloudEventLine) -> LineOfEvent:
    event = StoredEvent(
        int(line.hecateposition),
        line.source.removeprefix(SOURCE),
        line.hecateversion,
        line.hecateventure,
        line.id,
        line.type,
        bytes(line.data).decode(),
        line.hecatemeta,
        _milliseconds(line.time),
        bytes.fromhex(line.hecatehash),
        line.hecatetexts or None,
    )
    return LineOfEvent(event, bytes.fromhex(line.hecatekey))


def _milliseconds(text: str) -> int:
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
