"""Work that ends when the caller goes away.

The server tells of it through ``scope["state"]["when_gone"]``, a function that takes what is to be
called then.  ASGI's own way, to wait for ``http.disconnect`` beside the work, takes two more tasks a
request, and three kilobytes for each stream that is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from hecate.rest.body import ClientGone

T = TypeVar("T")
WhenGone = Callable[[Callable[[], None] | None], None]
"""Takes what to call once the caller is gone, at once if it is; None: nobody wants to know any more."""


async def unless_gone(scope: Mapping[str, Any], work: Awaitable[T]) -> T:
    """Return what *work* gives; cancel it, and wait for its end, as soon as the caller is gone.

    Args:
        scope: The request's; of a server that does not tell, the work is never cancelled.
        work: Is done in the running task.

    Raises:
        ClientGone: The caller went away first.
    """
    when_gone: WhenGone | None = scope.get("state", {}).get("when_gone")
    task = asyncio.current_task()
    if when_gone is None or task is None:
        return await work
    cancelled_before = task.cancelling()
    is_gone = False

    def leave() -> None:
        nonlocal is_gone
        is_gone = True
        task.cancel()

    when_gone(leave)
    try:
        return await work
    except asyncio.CancelledError:
        # Somebody else may have cancelled the task as well, such as a drain that takes too long.
        if is_gone and task.uncancel() <= cancelled_before:
            raise ClientGone from None
        raise
    finally:
        when_gone(None)
