"""Has samples written in batches, in a thread of its own, and keeps what the disk does not take yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, Final

import apsw
import structlog

if TYPE_CHECKING:
    from hecate.monitor_division.monitor_settings import MonitorSettings
    from hecate.monitor_division.samples_store import Sample, SamplesStore

SECONDS_BETWEEN_BATCHES: Final = 1.0
MOST_WAITING: Final = 20_000
"""Samples that wait for a slow disk; further ones are lost."""
SECONDS_BETWEEN_FORGETTING: Final = 600.0
SECONDS_BETWEEN_COMPLAINTS: Final = 60.0

log = structlog.get_logger(__name__)


class SamplesRecorder:
    """Takes samples at any time, and writes them once a second.

    Args:
        store: The file; closed by `run`'s end.
        settings: How long samples are kept.
        seconds_between_batches: How long a batch is gathered.
    """

    def __init__(
        self,
        store: SamplesStore,
        settings: MonitorSettings,
        *,
        seconds_between_batches: float = SECONDS_BETWEEN_BATCHES,
    ) -> None:
        self._seconds_between_batches = seconds_between_batches
        self._store = store
        self._settings = settings
        self._waiting: list[Sample] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hecate-samples")
        self._forgets_at = self._complains_at = float("-inf")
        self._awaited = asyncio.Event()
        self.lost = 0
        """Samples that were not recorded, because the disk was too slow or refused."""

    def take(self, sample: Sample) -> None:
        """Have *sample* written soon."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(sample)
            self._awaited.set()
        else:
            self.lost += 1

    async def run(self) -> None:
        """Write until cancelled; then write what waits, and close the file."""
        try:
            while True:
                await self._awaited.wait()
                await asyncio.sleep(self._seconds_between_batches)
                await self._write()
        finally:
            # The last batch in the thread too: a write that was under way there must be over before the file closes.
            last, self._waiting = self._waiting, []
            self._thread.submit(self._finish, last)
            await asyncio.to_thread(self._thread.shutdown)

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        self._awaited.clear()
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store_batch, batch)
        except apsw.Error as exc:
            self._keep(batch, exc)

    def _keep(self, batch: list[Sample], failure: apsw.Error) -> None:
        """Have *batch* written with the next one, if it is not too much by now."""
        self._waiting = (batch + self._waiting)[:MOST_WAITING]
        self._awaited.set()
        if monotonic() >= self._complains_at:
            self._complains_at = monotonic() + SECONDS_BETWEEN_COMPLAINTS
            log.warning("results of checks are not recorded", reason=str(failure), waiting=len(self._waiting))

    def _store_batch(self, batch: Sequence[Sample]) -> None:
        # First, so that a batch is not written twice where forgetting fails; and a full disk has room again.
        if monotonic() >= self._forgets_at:
            self._forgets_at = monotonic() + SECONDS_BETWEEN_FORGETTING
            self._store.forget(self._settings.keep_hours, self._settings.most_samples)
        self._store.write(batch)

    def _finish(self, last: Sequence[Sample]) -> None:
        try:
            self._store.write(last)
        except apsw.Error as exc:
            log.warning("results of checks are not recorded", reason=str(exc), lost=len(last))
        finally:
            self._store.close()
