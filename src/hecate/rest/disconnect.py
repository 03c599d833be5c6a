"""Work that ends when the caller goes away.

The server tells of it through ``scope["state"]["when_gone"]``, a function that takes what is to be
called then.  ASGI's own way, to wait for ``http.disconnect`` beside the work, takes two more tasks a
request, and five kilobytes for each stream that is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hecate.rest.body import ClientGone

if TYPE_CHECKING:
    from types import TracebackType

WhenGone = Callable[[Callable[[], None] | None], None]
"""Takes what to call once the caller is gone, at once if it is; None: nobody wants to know any more."""


class unless_gone:  # noqa: N801 - reads as a word of the language, as asyncio.timeout does
    """A context that is cancelled as soon as the caller is gone.

    Args:
        scope: The request's; under a server that does not tell, nothing is cancelled.

    Raises:
        ClientGone: The caller went away.
    """

    __slots__ = ("_cancelled_before", "_is_gone", "_task", "_when_gone")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._when_gone: WhenGone | None = scope.get("state", {}).get("when_gone")
        self._task: asyncio.Task[Any] | None = None
        self._cancelled_before = 0
        self._is_gone = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        if self._when_gone is not None and self._task is not None:
            self._cancelled_before = self._task.cancelling()
            self._when_gone(self._leave)

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._when_gone is not None:
            self._when_gone(None)
        if not self._is_gone or self._task is None:
            return
        # Somebody else may have cancelled the task as well, such as a drain that takes too long.
        is_ours = self._task.uncancel() <= self._cancelled_before
        if is_ours and isinstance(raised, asyncio.CancelledError):
            raise ClientGone from None

    def _leave(self) -> None:
        self._is_gone = True
        if self._task is not None:
            self._task.cancel()
