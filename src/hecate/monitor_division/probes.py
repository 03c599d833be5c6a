"""Polls a check of any type."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hecate.monitor_division.poll_result import PollResult
from hecate.monitor_division.probe_command import CommandProbe
from hecate.monitor_division.probe_http import HttpProbe
from hecate.monitor_division.probe_tcp import TcpProbe
from hecate.monitor_division.targets import command_target, tcp_target
from hecate.monitor_division.watched_checks import folder_of

if TYPE_CHECKING:
    from hecate.jobs.job import Surroundings
    from hecate.monitor_division.watched_checks import WatchedCheck


class Probes:
    """What polls, for as long as the context lasts."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._http = HttpProbe()
        self._tcp = TcpProbe()
        self._command = CommandProbe(surroundings.store_mark, surroundings.confinement.limits)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._http)
        self._stack.push_async_callback(self._tcp.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def poll(self, check: WatchedCheck) -> PollResult:
        """Poll *check* within its time limit."""
        if check.type == "http":
            return await self._http.poll(
                check.target,
                timeout_seconds=check.timeout_seconds,
                expected_status=check.expected_status,
                expected_body=check.expected_body,
            )
        if check.type == "tcp":
            return await self._tcp.poll(*tcp_target(check.target), timeout_seconds=check.timeout_seconds)
        around = self._surroundings
        workspace = await around.engine.store.read(
            partial(folder_of, venture_id=check.venture_id, default=around.default_workspaces)
        )
        return await self._command.poll(
            command_target(check.target),
            check_id=check.check_id,
            folder=workspace if workspace.is_dir() else around.data_dir,
            timeout_seconds=check.timeout_seconds,
        )
