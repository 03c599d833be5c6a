"""The table ``[monitoring]`` of the configuration file."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class MonitorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[monitoring]``: how checks are polled, and how long it is remembered how each poll went."""

    polls_at_once: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """Of http and tcp checks; a quarter of them is for those that have timed out lately."""
    commands_at_once: Annotated[int, Meta(ge=1, le=100)] = 4
    keep_hours: Annotated[int, Meta(ge=1, le=8760)] = 48
    """How long single results are kept; what figures are made of is kept as long as they need."""
    most_samples: Annotated[int, Meta(ge=1000, le=1_000_000_000)] = 500_000
    """How many single results are kept at the most, some 100 bytes each."""
