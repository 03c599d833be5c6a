"""A route for each desk: from a request to an order, and from what was handled to an answer."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from hecate.dossiers.engine import Engine, Order
from hecate.dossiers.errors import Invalid
from hecate.dossiers.read_model import Actor, Meta
from hecate.endpoints import Answer, Call, NoQuery, Raw, Route
from hecate.jobs.job_view import in_full
from hecate.jobs.runner import JobRunner
from hecate.rest.body import rename_fields

if TYPE_CHECKING:
    from hecate.catalog import Catalog
    from hecate.dossiers.desk import Desk
    from hecate.dossiers.process import Process

LONGEST_KEY = 255

_ENTITY_TAG = re.compile(r'(?:W/)?"(\d{1,18})"|(\d{1,18})')


class RecordedEvent(msgspec.Struct, kw_only=True):
    """An event that a command appended."""

    type: str
    data: dict[str, Any]


class CommandAnswer(msgspec.Struct, kw_only=True):
    """The answer to a command."""

    ok: bool
    id: str
    """Of what was made; of the venture or division where nothing new was."""
    venture_id: str
    process: str
    state: str
    version: int
    """The dossier's, after the command; also the ``ETag``."""
    status: int
    status_label: str
    available_actions: list[str]
    events: list[RecordedEvent]
    division_id: str = ""
    warnings: list[str] = []
    job_id: str = ""
    """Of the job that does the work, where there is some."""
    job: dict[str, Any] = {}
    """That job: its ``id``, ``state`` and ``path``; all of it with ``wait=true``."""


class WaitQuery(msgspec.Struct, frozen=True):
    """Whether the answer waits until the work is done."""

    wait: bool = False


def desk_routes(catalog: Catalog) -> Iterator[Route]:
    """Give a route for every desk of every process, and one for each of its aliases."""
    for process, desks in catalog.desks.items():
        for desk in desks:
            summary, description = in_words(desk)
            route = Route(
                method="POST",
                path=path_of(process, desk.path),
                call=endpoint(process, desk),
                summary=summary,
                description=description,
                body=desk.command,
                body_may_be_absent=True,
                answer=CommandAnswer,
                query=NoQuery if desk.work is None else WaitQuery,
                status=desk.status,
                # Once the work is done, or where none is left.
                further_statuses=() if desk.work is None else (201,),
                errors=(404, 409, 410, 412, 422),
                is_command=True,
                example=msgspec.to_builtins(desk.example.when),
                tag=process.name,
            )
            yield route
            for alias in desk.aliases:
                prepare = partial(rename_fields, renames=alias.renames) if alias.renames else None
                yield replace(route, path=path_of(process, alias.path), prepare_body=prepare, listed=False)


def path_of(process: Process, path: str) -> str:
    """Return the whole path of a desk's *path*."""
    return f"{process.path}/{path}" if path else process.path


def in_words(desk: Desk) -> tuple[str, str]:
    """Return a desk's summary and description: its own, or its module's docstring's."""
    if desk.summary:
        return desk.summary, ""
    module = inspect.getmodule(desk.decide)
    first, _, rest = inspect.cleandoc((module and module.__doc__) or "").partition("\n")
    summary = first.removeprefix("Desk: ")
    return summary[:1].upper() + summary[1:], rest.strip()


def endpoint(process: Process, desk: Desk) -> Callable[[Call], Any]:
    """Return the endpoint of *desk* in *process*."""
    parameter = process.subject.parameter

    async def order(call: Call) -> Raw | Answer:
        headers = call.headers
        key = headers.get("idempotency-key", "")
        expected = headers.get("if-match")
        handled = await call.services.get(Engine).handle(
            Order(
                process=process,
                desk=desk,
                command=call.body,
                subject_id=call.path.get(parameter, ""),
                meta=Meta(correlation_id=call.request_id, causation_id=call.request_id, actor=actor_of(call)),
                key=key,
                fingerprint=fingerprint(key, process, desk, call) if key else b"",
                expected_version=None if expected is None else expected_version(expected),
                warnings=call.warnings,
            )
        )
        if desk.leaves_work(call.body) and call.query.wait:
            return await _done(call, msgspec.json.decode(handled.body))
        return Raw(handled.body, status=handled.status, headers={"ETag": f'"{handled.version}"'})

    return order


async def _done(call: Call, accepted: dict[str, Any]) -> Answer:
    """Return the answer to a command whose work is done: with all that was recorded, or with the job's error."""
    job = await call.services.get(JobRunner).finished(accepted["job_id"])
    shown = in_full(job)
    if job.error is not None:
        refusal = {"ok": False, "error": job.error.error, "code": job.error.code, "job_id": job.id, "job": shown}
        return Answer(refusal, status=job.error.status)
    outcome = {} if job.result is None else msgspec.json.decode(job.result)
    told = {**accepted, **outcome, "job_id": job.id, "job": shown, "events": shown.events}
    return Answer(told, status=201, headers={"ETag": f'"{told["version"]}"'})


def actor_of(call: Call) -> Actor:
    """Return who is calling, as it is kept beside events."""
    return Actor(uid=call.peer.uid, pid=call.peer.pid) if call.peer else Actor()


def fingerprint(key: str, process: Process, desk: Desk, call: Call) -> bytes:
    """Return what must be the same when the idempotency key *key* comes back: desk, subject and body.

    Raises:
        Invalid: The key is too long.
    """
    if len(key) > LONGEST_KEY:
        raise Invalid(f"the Idempotency-Key is longer than {LONGEST_KEY} characters")
    subject = call.path.get(process.subject.parameter, "")
    return hashlib.sha256(f"{process.name}\n{desk.path}\n{subject}\n".encode() + call.raw_body).digest()


def expected_version(if_match: str) -> int | None:
    """Return the version that an ``If-Match`` header asks for; None for ``*``.

    Raises:
        Invalid: It is not a version.
    """
    if if_match.strip() == "*":
        return None
    match = _ENTITY_TAG.fullmatch(if_match.strip())
    if match is None:
        raise Invalid(f'the If-Match header must be a version in quotes, such as "3", not {if_match[:40]!r}')
    return int(match[1] or match[2])
