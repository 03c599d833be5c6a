"""The client for programs that wait: one call, one answer.

from hecate.client import Client

with Client() as client:
    venture_id = client.set_up_venture("my-saas", brief="A multi-tenant SaaS platform").id
    client.discovery_command(venture_id, "start")
    client.discovery_command(venture_id, "discover", {"division_name": "auth"})
    for name, division in client.venture_status(venture_id).divisions.items():
        print(name, division.process, division.state, division.health)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hecate.client import answers, model_answers, model_questions, questions
from hecate.client.carrier import Carrier
from hecate.client.connection import UnixConnection
from hecate.client.model_questions import Messages
from hecate.client.patience import Patience
from hecate.client.questions import EVERYTHING, Place, Selection
from hecate.client.stream import Stream, chunks, followed, lines, told

PAGE_SIZE = 500
"""The most that the daemon puts on one page."""


class Client(Carrier):
    """Talks to the daemon over its Unix socket, on one connection that is kept and renewed.

    Threads may share a client; they take turns.  Every method raises a `HecateClientError`: one of its kinds for
    what the daemon refuses, `DaemonUnreachable` where nothing answers.  A read, or a command with an idempotency
    key, is sent again once when the connection broke before the answer was here.

    Args:
        socket_path: The daemon's socket; None looks in the usual places (`hecate.paths.find_socket`).
        timeout_seconds: The longest wait for an answer.  It does not hold for chats, which have ``timeout_seconds``
            of their own, nor for live events.
    """

    # What the daemon is

    def health(self) -> answers.Health:
        """Return how the daemon does."""
        return self.fetch(questions.health()).value

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of the daemon's API."""
        return self.fetch(questions.openapi()).value

    # Ventures and divisions

    def ventures(
        self,
        *,
        limit: int = 50,
        after: Place | None = None,
        include_archived: bool = False,
        newest_first: bool = False,
    ) -> answers.VenturePage:
        """Return a page of *limit* ventures (1 to 500); *after* is the ``next`` of the page before."""
        question = questions.ventures(
            limit=limit, after=after, include_archived=include_archived, newest_first=newest_first
        )
        return self.fetch(question).value

    def every_venture(self, *, include_archived: bool = False) -> Iterator[answers.Venture]:
        """Yield all ventures, a page at a time."""
        page = self.ventures(limit=PAGE_SIZE, include_archived=include_archived)
        yield from page.ventures
        while page.next is not None:
            page = self.ventures(limit=PAGE_SIZE, after=page.next, include_archived=include_archived)
            yield from page.ventures

    def venture(self, venture_id: str) -> answers.Venture:
        """Return the venture.

        Raises:
            NotFound: There is none with this id.
        """
        return self.fetch(questions.venture(venture_id)).value

    def venture_status(self, venture_id: str) -> answers.VentureStatus:
        """Return where each division of the venture stands.

        Raises:
            NotFound: There is no venture with this id.
        """
        return self.fetch(questions.venture_status(venture_id)).value

    def divisions(self, venture_id: str, *, limit: int = 50, after: Place | None = None) -> answers.DivisionPage:
        """Return a page of the venture's divisions, as `ventures` does.

        Raises:
            NotFound: There is no venture with this id.
        """
        question = questions.divisions(venture_id, limit=limit, after=after)
        return self.fetch(question).value

    def every_division(self, venture_id: str) -> Iterator[answers.Division]:
        """Yield all divisions of the venture, a page at a time."""
        page = self.divisions(venture_id, limit=PAGE_SIZE)
        yield from page.divisions
        while page.next is not None:
            page = self.divisions(venture_id, limit=PAGE_SIZE, after=page.next)
            yield from page.divisions

    def division(self, division_id: str) -> answers.Division:
        """Return the division.

        Raises:
            NotFound: There is none with this id.
        """
        return self.fetch(questions.division(division_id)).value

    def process(
        self, division_id: str, process: str, *, limit: int = 50, after: Place | None = None
    ) -> answers.ProcessView:
        """Return the state of a division's *process* (one of `PROCESSES`, such as ``design``) and what it has made.

        The items come in pages, as in `ventures`.

        Raises:
            NotFound: There is no division with this id.
            ValueError: There is no such process.
        """
        return self.fetch(questions.process(division_id, process, limit=limit, after=after)).value

    # Commands

    def command(
        self,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        expected_version: int | None = None,
    ) -> answers.CommandAnswer:
        """Send a command to *path*, and return what it did.

        Args:
            path: Such as ``/api/ventures``.
            fields: The body.
            idempotency_key: Any text that is new for each command; the same one with the same fields does
                nothing twice.
            expected_version: The version that the dossier must still have.

        Raises:
            InvalidState: The process is in a state that does not take it.
            Conflict: It contradicts what is recorded, or the dossier has moved on (status 412).
            Invalid: A field is wrong, or the key was used for another command (status 422).
            NotFound: There is no such thing, or no such command.
        """
        question = questions.command(
            path, fields or {}, idempotency_key=idempotency_key, expected_version=expected_version
        )
        return self.fetch(question).value

    def set_up_venture(
        self, name: str, *, brief: str | None = None, workspace: str | None = None, idempotency_key: str | None = None
    ) -> answers.CommandAnswer:
        """Set up a venture, and return its id among the rest.  Raises as `command` does."""
        given = {"name": name, "brief": brief, "workspace": workspace}
        fields = {field: value for field, value in given.items() if value is not None}
        return self.command("/api/ventures", fields, idempotency_key=idempotency_key)

    def forget_venture(self, venture_id: str, *, dry_run: bool) -> answers.Forgetting:
        """Erase every text that is recorded of a venture, for good; with *dry_run* only say what would go.

        Raises:
            NotFound: There is no such venture.
            Conflict: It must not be forgotten yet.
            Forgotten: It was forgotten before.
        """
        return self.fetch(questions.forget_venture(venture_id, dry_run=dry_run)).value

    def discovery_command(
        self, venture_id: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """Send a command to the venture's discovery: ``start``, ``discover``, ``complete`` and so on.

        *headers* are `command`'s ``idempotency_key`` and ``expected_version``; raises as `command` does.
        """
        return self.command(questions.discovery_path(venture_id, verb), fields, **headers)

    def division_command(
        self, division_id: str, process: str, verb: str, fields: Mapping[str, Any] | None = None, **headers: Any
    ) -> answers.CommandAnswer:
        """Send a command to a division's process, such as ``design`` and ``aggregate``.

        *headers* are `command`'s ``idempotency_key`` and ``expected_version``; raises as `command` does.
        """
        return self.command(questions.division_path(division_id, process, verb), fields, **headers)

    # Jobs

    def jobs(self, *, limit: int = 50, after: Place | None = None, **chosen: str | None) -> answers.JobPage:
        """Return a page of jobs, the newest first.

        *chosen* are ``state``, ``venture_id``, ``division_id`` and ``process``.
        """
        return self.fetch(questions.jobs(limit=limit, after=after, **chosen)).value

    def job(self, job_id: str) -> answers.Job:
        """Return the job.

        Raises:
            NotFound: There is none with this id.
        """
        return self.fetch(questions.job(job_id)).value

    def cancel_job(self, job_id: str) -> answers.Job:
        """End the job and return it; whatever it had started is gone.

        Raises:
            NotFound: There is none with this id.
            Conflict: It has ended before.
        """
        return self.fetch(questions.cancel_job(job_id)).value

    def follow_job(self, job_id: str) -> Stream[answers.JobMessage]:
        """Return what the job tells, from its beginning, up to its end; the last message has the whole ``job``.

        Raises:
            NotFound: There is none with this id.
            AnswerBroken: From the stream itself, when the daemon stops.
        """
        connection, response = self.opened(questions.job_messages(job_id))
        return Stream(told(connection, response), connection.close)

    # Events

    def events(self, selection: Selection = EVERYTHING, *, limit: int = 50) -> answers.EventPage:
        """Return a page of events, oldest first; *limit* is 1 to 500.

        Raises:
            NotFound: The selection's venture or division does not exist; the same holds for the methods below.
        """
        return self.fetch(questions.events(selection, limit=limit)).value

    def every_event(self, selection: Selection = EVERYTHING) -> Stream[answers.RecordedEvent]:
        """Return all events that there are at this moment, oldest first."""
        connection, response = self.opened(questions.event_lines(selection))
        return Stream(lines(connection, response), connection.close)

    def follow_events(
        self, selection: Selection = EVERYTHING, *, patience_seconds: float = 30.0
    ) -> Stream[answers.RecordedEvent]:
        """Return all events, and then each new one as it is appended, without end.

        A connection that breaks is made again and goes on after the last event seen, so that none is missed and
        none comes twice.

        Args:
            selection: Which events.
            patience_seconds: How long the daemon may be away, as in a restart, before the iterator raises
                `DaemonUnreachable`.
        """
        connection = UnixConnection(self.socket_path, timeout_seconds=None)
        return Stream(followed(connection, selection, Patience(patience_seconds)), connection.close)

    # Models

    def models(self) -> tuple[model_answers.Model, ...]:
        """Return the models of all providers."""
        return self.fetch(model_questions.models()).value.models

    def providers(self) -> dict[str, model_answers.ProviderHealth]:
        """Return how each provider does, by name."""
        return self.fetch(model_questions.providers()).value.providers

    def usage(self, *, by: str = "day", since: str = "", until: str = "", limit: int = 50) -> model_answers.UsageReport:
        """Return what calls of models have cost, and how they went.

        Args:
            by: ``day``, ``model``, ``provider``, ``venture`` or ``division``.
            since: A date of UTC or a time; empty: as far back as is known.
            until: The same, and a date counts in whole; empty: now.
            limit: The most rows, 1 to 500.
        """
        return self.fetch(model_questions.usage(by=by, since=since, until=until, limit=limit)).value

    def chat(self, model: str, messages: Messages, **options: object) -> model_answers.ChatAnswer:
        """Return the model's answer to *messages*, or to a text.

        *options* are further fields of the request, such as ``temperature=0.2``, ``max_tokens=100`` or
        ``timeout_seconds=60``.

        Raises:
            ModelNotFound: No provider has the model.
            ProviderFailed: The provider refused, failed or was too slow.
        """
        return self.fetch(model_questions.chat(model, messages, options, stream=False)).value

    def stream_chat(self, model: str, messages: Messages, **options: object) -> Stream[model_answers.ChatChunk]:
        """Return the model's answer piece by piece; the arguments are those of `chat`.

        Raises:
            ModelNotFound: No provider has the model.
            ProviderFailed: The provider refused, failed or was too slow; from the stream itself, once it has begun.
            AnswerBroken: The connection broke before the last piece.
        """
        connection, response = self.opened(model_questions.chat(model, messages, options, stream=True))
        return Stream(chunks(connection, response), connection.close)
