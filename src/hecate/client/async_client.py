"""The client for asyncio programs: what `Client` does, awaited.

from hecate.client import AsyncClient

async with AsyncClient() as client:
    async with await client.stream_chat("llama3.2", "Hello!") as chunks:
        async for chunk in chunks:
            print(chunk.content, end="")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from hecate.client import answers, model_answers, model_questions, questions
from hecate.client.async_carrier import AsyncCarrier
from hecate.client.async_stream import AsyncStream, chunks, followed, lines, told
from hecate.client.client import PAGE_SIZE
from hecate.client.model_questions import Messages
from hecate.client.patience import Patience
from hecate.client.questions import EVERYTHING, Place, Selection


class AsyncClient(AsyncCarrier):
    """Talks to the daemon over its Unix socket, on as many connections as there are calls at a time.

    The methods are those of `Client`: they take the same, return the same and raise the same.  Cancelling a call
    closes its connection, and so cancels a chat.

    Args:
        socket_path: The daemon's socket; None looks in the usual places (`hecate.paths.find_socket`).
        timeout_seconds: The longest wait for an answer.  It does not hold for chats, which have ``timeout_seconds``
            of their own, nor for live events.
    """

    async def health(self) -> answers.Health:
        """See `Client.health`."""
        return (await self.fetch(questions.health())).value

    async def openapi(self) -> dict[str, Any]:
        """See `Client.openapi`."""
        return (await self.fetch(questions.openapi())).value

    async def ventures(
        self,
        *,
        limit: int = 50,
        after: Place | None = None,
        include_archived: bool = False,
        newest_first: bool = False,
    ) -> answers.VenturePage:
        """See `Client.ventures`."""
        question = questions.ventures(
            limit=limit, after=after, include_archived=include_archived, newest_first=newest_first
        )
        return (await self.fetch(question)).value

    async def every_venture(self, *, include_archived: bool = False) -> AsyncIterator[answers.Venture]:
        """See `Client.every_venture`."""
        page = await self.ventures(limit=PAGE_SIZE, include_archived=include_archived)
        while True:
            for venture in page.ventures:
                yield venture
            if page.next is None:
                return
            page = await self.ventures(limit=PAGE_SIZE, after=page.next, include_archived=include_archived)

    async def venture(self, venture_id: str) -> answers.Venture:
        """See `Client.venture`."""
        return (await self.fetch(questions.venture(venture_id))).value

    async def venture_status(self, venture_id: str) -> answers.VentureStatus:
        """See `Client.venture_status`."""
        return (await self.fetch(questions.venture_status(venture_id))).value

    async def divisions(self, venture_id: str, *, limit: int = 50, after: Place | None = None) -> answers.DivisionPage:
        """See `Client.divisions`."""
        question = questions.divisions(venture_id, limit=limit, after=after)
        return (await self.fetch(question)).value

    async def every_division(self, venture_id: str) -> AsyncIterator[answers.Division]:
        """See `Client.every_division`."""
        page = await self.divisions(venture_id, limit=PAGE_SIZE)
        while True:
            for division in page.divisions:
                yield division
            if page.next is None:
                return
            page = await self.divisions(venture_id, limit=PAGE_SIZE, after=page.next)

    async def division(self, division_id: str) -> answers.Division:
        """See `Client.division`."""
        return (await self.fetch(questions.division(division_id))).value

    async def process(
        self, division_id: str, process: str, *, limit: int = 50, after: Place | None = None
    ) -> answers.ProcessView:
        """See `Client.process`."""
        return (await self.fetch(questions.process(division_id, process, limit=limit, after=after))).value

    async def command(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        expected_version: int | None = None,
    ) -> answers.CommandAnswer:
        """See `Client.command`."""
        question = questions.command(
            path, fields or {}, idempotency_key=idempotency_key, expected_version=expected_version
        )
        return (await self.fetch(question)).value

    async def set_up_venture(
        self, name: str, *, brief: str | None = None, workspace: str | None = None, idempotency_key: str | None = None
    ) -> answers.CommandAnswer:
        """See `Client.set_up_venture`."""
        given = {"name": name, "brief": brief, "workspace": workspace}
        fields = {field: value for field, value in given.items() if value is not None}
        return await self.command("/api/ventures", fields, idempotency_key=idempotency_key)

    async def forget_venture(self, venture_id: str, *, dry_run: bool) -> answers.Forgetting:
        """See `Client.forget_venture`."""
        return (await self.fetch(questions.forget_venture(venture_id, dry_run=dry_run))).value

    async def discovery_command(
        self, venture_id: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """See `Client.discovery_command`."""
        return await self.command(questions.discovery_path(venture_id, verb), fields, **headers)

    async def division_command(
        self, division_id: str, process: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """See `Client.division_command`."""
        return await self.command(questions.division_path(division_id, process, verb), fields, **headers)

    async def jobs(self, *, limit: int = 50, after: Place | None = None, **chosen: str | None) -> answers.JobPage:
        """See `Client.jobs`."""
        return (await self.fetch(questions.jobs(limit=limit, after=after, **chosen))).value

    async def job(self, job_id: str) -> answers.Job:
        """See `Client.job`."""
        return (await self.fetch(questions.job(job_id))).value

    async def cancel_job(self, job_id: str) -> answers.Job:
        """See `Client.cancel_job`."""
        return (await self.fetch(questions.cancel_job(job_id))).value

    async def follow_job(self, job_id: str) -> AsyncStream[answers.JobMessage]:
        """See `Client.follow_job`."""
        response = await self.opened(questions.job_messages(job_id))
        return AsyncStream(told(response), response)

    async def events(self, selection: Selection = EVERYTHING, *, limit: int = 50) -> answers.EventPage:
        """See `Client.events`."""
        return (await self.fetch(questions.events(selection, limit=limit))).value

    async def every_event(self, selection: Selection = EVERYTHING) -> AsyncStream[answers.RecordedEvent]:
        """See `Client.every_event`."""
        response = await self.opened(questions.event_lines(selection))
        return AsyncStream(lines(response), response)

    def follow_events(
        self, selection: Selection = EVERYTHING, *, patience_seconds: float = 30.0
    ) -> AsyncStream[answers.RecordedEvent]:
        """See `Client.follow_events`."""
        return AsyncStream(followed(self.opened, selection, Patience(patience_seconds)))

    async def models(self) -> tuple[model_answers.Model, ...]:
        """See `Client.models`."""
        return (await self.fetch(model_questions.models())).value.models

    async def providers(self) -> dict[str, model_answers.ProviderHealth]:
        """See `Client.providers`."""
        return (await self.fetch(model_questions.providers())).value.providers

    async def usage(
        self, *, by: str = "day", since: str = "", until: str = "", limit: int = 50
    ) -> model_answers.UsageReport:
        """See `Client.usage`."""
        return (await self.fetch(model_questions.usage(by=by, since=since, until=until, limit=limit))).value

    async def chat(self, model: str, messages: Messages, **options: object) -> model_answers.ChatAnswer:
        """See `Client.chat`."""
        return (await self.fetch(model_questions.chat(model, messages, options, stream=False))).value

    async def stream_chat(
        self, model: str, messages: Messages, **options: object
    ) -> AsyncStream[model_answers.ChatChunk]:
        """See `Client.stream_chat`."""
        response = await self.opened(model_questions.chat(model, messages, options, stream=True))
        return AsyncStream(chunks(response), response)
