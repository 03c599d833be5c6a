"""What goes on beside the requests for as long as the daemon runs: policies, polls, the mesh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from hecate.endpoints import Background, Services

SECONDS_BETWEEN_TRIES = 5.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def in_the_background(services: Services, backgrounds: Sequence[Background]) -> AsyncIterator[None]:
    """Keep *backgrounds* going."""
    tasks = [asyncio.create_task(_keep_going(services, background)) for background in backgrounds]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _keep_going(services: Services, background: Background) -> None:
    """Run *background*, again and again if need be: without it the daemon still serves."""
    while True:
        try:
            await background.run(services)
        except Exception:
            log.exception("background work failed", work=background.name, again_in_seconds=SECONDS_BETWEEN_TRIES)
        else:
            return
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
