"""What an examination finds: each thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warning", "problem", "not_checked"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    check: str
    state: State
    """``problem``: something is lost, wrong or refuses to work; ``warning``: it may come to that."""
    found: str
    """How it is, in a sentence without a full stop."""
    remedy: str = ""
    """What to do about it; empty where nothing is to be done."""
    read_models: tuple[str, ...] = ()
    """Which ones ``hecate rebuild`` would put right."""
