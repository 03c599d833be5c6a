"""The configuration of jobs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class JobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[jobs]``: how much is done at once, and for how long."""

    at_once: Annotated[int, Meta(ge=1, le=64)] = 4
    """How many jobs run side by side; the others wait."""
    timeout_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 900.0
    """The longest that a child process may run where its command says nothing."""
