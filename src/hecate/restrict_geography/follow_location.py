"""Keeps an eye on where this machine is, for as long as the daemon runs."""

from __future__ import annotations

from hecate.endpoints import Background, Services
from hecate.restrict_geography.geography import Geography


async def follow_location(services: Services) -> None:
    """Check at once, every hour, and when an address changes; wait for a reload where geography is off."""
    await services.get(Geography).keep_checked()


BACKGROUND = Background("geography", follow_location)
