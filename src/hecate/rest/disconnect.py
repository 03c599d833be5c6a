"""Work that ends when the caller goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from hecate.rest.body import ClientGone, Receive

T = TypeVar("T")


async def unless_gone(receive: Receive, work: Coroutine[object, object, T]) -> T:
    """Return what *work* gives; cancel it, and wait for its end, as soon as the caller is gone.

    Args:
        receive: The ASGI callable, after the body has been read.
        work: Started here, in a task of its own.

    Raises:
        ClientGone: The caller went away first.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGone
    finally:
        for task in (working, watching):
            task.cancel()
        # Whatever the work does in its own finally is done before the request is.
        await asyncio.wait((working, watching))
        if not working.cancelled():
            working.exception()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
