"""Writes calls into the usage store, in a thread of its own, and keeps what the disk does not take yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import apsw
import structlog

if TYPE_CHECKING:
    from hecate.serve_llm.usage_entry import Entry
    from hecate.serve_llm.usage_store import UsageStore

MOST_WAITING: Final = 20_000
"""Calls that wait for a slow disk; further ones are lost."""
SECONDS_BETWEEN_FORGETTING: Final = 3600.0
SECONDS_BETWEEN_COMPLAINTS: Final = 60.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Recorder:
    """Has calls written, one batch after the other.

    Args:
        store: The file.
        keep_days: How long calls are kept.
    """

    def __init__(self, store: UsageStore, keep_days: int) -> None:
        self.store = store
        self.keep_days = keep_days
        self.lost = 0
        """Calls that were not recorded, because the disk was too slow or refused."""
        self._waiting: list[Entry] = []
        self._batch: list[Entry] = []
        self._writing: asyncio.Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hecate-usage")
        self._forgets_at = float("-inf")
        self._complains_at = float("-inf")

    @property
    def waiting(self) -> int:
        """How many calls are not written yet."""
        return len(self._waiting) + len(self._batch)

    def write(self, entries: Sequence[Entry]) -> None:
        """Have *entries* written soon."""
        room = MOST_WAITING - self.waiting
        self._waiting += entries[:room] if room < len(entries) else entries
        self.lost += max(0, len(entries) - room)
        if self._writing is None and self._waiting:
            self._batch, self._waiting = self._waiting, []
            self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, self._batch)
            self._writing.add_done_callback(self._written)

    async def written(self) -> None:
        """Wait until the disk has taken, or refused, all that was there to be written a moment ago."""
        for _ in range(2):
            if self._writing is not None:
                await asyncio.wait((self._writing,))

    async def ask(self, question: Callable[[apsw.Connection], T]) -> T:
        """Return what *question* finds in the store, beside the thread that writes."""

        def answer() -> T:
            with closing(self.store.reader()) as db:
                db.execute("BEGIN")  # All that is found is of one moment.
                return question(db)

        return await asyncio.to_thread(answer)

    async def close(self) -> None:
        """Write what waits, and close the store."""
        await self.written()
        if self._waiting:
            self.write(())
            await self.written()
        await asyncio.to_thread(self._thread.shutdown)
        self.store.close()

    def _write(self, entries: Sequence[Entry]) -> None:
        self.store.write([entry.recorded() for entry in entries])
        if monotonic() >= self._forgets_at:
            self._forgets_at = monotonic() + SECONDS_BETWEEN_FORGETTING
            while self.store.forget(self.keep_days):
                pass

    def _written(self, writing: asyncio.Future[None]) -> None:
        self._writing = None
        batch, self._batch = self._batch, []
        failure = writing.exception()
        if failure is None:
            if self._waiting:
                self.write(())
            return
        if not isinstance(failure, apsw.Error):
            raise failure
        # Tried again with the next calls.
        self._waiting = batch + self._waiting
        if monotonic() >= self._complains_at:
            self._complains_at = monotonic() + SECONDS_BETWEEN_COMPLAINTS
            log.warning("calls of models are not recorded", reason=str(failure), waiting=self.waiting)
