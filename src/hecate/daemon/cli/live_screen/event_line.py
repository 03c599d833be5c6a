"""An event as a line: when, where, what, and what of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rich.text import Text

from hecate.client.answers import RecordedEvent
from hecate.daemon.cli.output import one_line
from hecate.daemon.cli.values import in_short


def event_line(event: RecordedEvent, names: Mapping[str, str]) -> Text:
    """Return the line; *names* are those of ventures and divisions, by id."""
    told = " ".join(f"{name}={in_short(value)}" for name, value in event.data.items() if in_short(value))
    return Text.assemble(
        (_clock(event.recorded_at), "bright_black"),
        "  ",
        (_where(event, names).ljust(12), "bold"),
        "  ",
        (one_line(event.type), "cyan"),
        "  ",
        one_line(told),
    )


def is_of(event: RecordedEvent, division_id: str) -> bool:
    """Tell whether *event* is one of the division's."""
    return event.stream.endswith(f"-{division_id}") or event.data.get("division_id") == division_id


def _where(event: RecordedEvent, names: Mapping[str, str]) -> str:
    """Return the name of the division or the venture; a stream's name is its process and the id of one of them."""
    of = event.stream.partition("-")[2]
    return names.get(of) or names.get(event.venture_id) or one_line(of)


def _clock(recorded_at: str) -> str:
    """Return the time of day here."""
    try:
        return f"{datetime.fromisoformat(recorded_at).astimezone():%H:%M:%S}"
    except ValueError:
        return one_line(recorded_at)
