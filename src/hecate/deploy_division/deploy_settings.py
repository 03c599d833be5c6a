"""The table ``[deploy]`` of the configuration file."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class DeploySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[deploy]``: where releases are stored, and how patient we are with applications that end."""

    dir: str = ""
    """A folder of a division's id holds its releases; empty: ``releases`` in the data directory."""
    restarts: Annotated[int, Meta(ge=0, le=1000)] = 5
    """How often an application is started again that ends within a minute; then it has failed."""
    restart_seconds: Annotated[float, Meta(ge=0.01, le=60)] = 0.5
    """How long it waits before that, the first time; doubled each time, at most a minute."""
