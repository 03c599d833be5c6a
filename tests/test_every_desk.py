"""What holds for every desk that the catalog finds, whatever it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from hecate import catalog
from hecate.dossiers.desk import Desk
from hecate.dossiers.dossier import Dossier
from hecate.dossiers.errors import HecateError
from hecate.dossiers.messages import Event
from hecate.dossiers.process import VENTURE, Process
from hecate.rest.desk_routes import path_of
from tests.calling import STEPS_TO, Caller

FOUND = catalog.find().desks
DESKS = [(process, desk) for process, desks in FOUND.items() for desk in desks]
RECORDING = dict.fromkeys((process, desk.work.record) for process, desk in DESKS if desk.work is not None)
DECIDING = [*DESKS, *RECORDING]
"""With those that nobody but a job reaches."""
NOW = 1_700_000_000_000
"""Milliseconds since 1970."""


def named(cases: Sequence[tuple[Process, Any]]) -> list[Any]:
    """Return *cases* as parameters under readable names."""
    names = [
        f"{process.noun}-{what.action or what.command.__name__ if isinstance(what, Desk) else what}"
        for process, what in cases
    ]
    return [pytest.param(*case, id=name) for case, name in zip(cases, names, strict=True)]


each_desk = pytest.mark.parametrize(("process", "desk"), named(DESKS))
each_decision = pytest.mark.parametrize(("process", "desk"), named(DECIDING))
each_desk_of_a_subject = pytest.mark.parametrize(
    ("process", "desk"), named([(process, desk) for process, desk in DESKS if not desk.makes_subject])
)
each_state = pytest.mark.parametrize(
    ("process", "state"), named([(process, state) for process in FOUND for state in process.lifecycle.status])
)


# -- the decision, by itself


def dossier_before(process: Process, desk: Desk) -> Dossier:
    """Return a dossier in which *desk*'s example may happen."""
    dossier = Dossier(process, "subject-1", "v-1")
    dossier.next_id = "1"
    starts = [start for start in process.lifecycle.desks if start.path == "start"]
    if starts and "pending" not in desk.states:
        record(dossier, starts[0].example.then)
    record(dossier, desk.example.given)
    return dossier


def record(dossier: Dossier, events: Sequence[Event]) -> None:
    """Let *events* happen."""
    for event in events:
        dossier.record(event, NOW)


def fields_but(event: Event, made: str) -> dict[str, Any]:
    """Return the fields of *event*; of the id in the field *made*, only what comes before its dash."""
    fields = msgspec.structs.asdict(event)
    if made in fields:
        fields[made] = fields[made].partition("-")[0]
    return fields


@each_decision
def test_the_worked_example_holds(process: Process, desk: Desk) -> None:
    """Given what has happened, when the command comes, then these events follow."""
    dossier = dossier_before(process, desk)
    assert dossier.state in desk.states
    decided = desk.decide(dossier, desk.example.when)
    assert [type(event) for event in decided] == [type(event) for event in desk.example.then]
    for event, expected in zip(decided, desk.example.then, strict=True):
        assert fields_but(event, desk.makes) == fields_but(expected, desk.makes)
    assert {type(event) for event in decided} <= set(desk.events)


@each_decision
def test_the_same_command_again_adds_nothing(process: Process, desk: Desk) -> None:
    """It is refused, by the state or by the decision, or it is granted without an event."""
    dossier = dossier_before(process, desk)
    record(dossier, desk.decide(dossier, desk.example.when))
    if dossier.state not in desk.states:
        return
    dossier.next_id = "2"
    try:
        assert list(desk.decide(dossier, desk.example.when)) == []
    except HecateError as refusal:
        assert refusal.code == "conflict"  # noqa: PT017 - either outcome is right


@each_decision
def test_a_decision_leaves_the_dossier_alone(process: Process, desk: Desk) -> None:
    """Deciding is a question: only recording changes anything."""
    dossier = dossier_before(process, desk)
    before = (dossier.version, msgspec.json.encode(dossier.progress))
    desk.decide(dossier, desk.example.when)
    assert (dossier.version, msgspec.json.encode(dossier.progress)) == before


@each_decision
def test_its_states_are_states_of_the_process(process: Process, desk: Desk) -> None:
    """A state that does not exist would close a desk for ever."""
    assert desk.states
    assert desk.states <= set(process.lifecycle.status)


# -- the request


def subject(caller: Caller, process: Process) -> str:
    """Return the id of a new subject of *process*, whose processes are pending."""
    if process.subject is VENTURE:
        return caller.venture()
    return caller.division()


def path(process: Process, desk: Desk, subject_id: str) -> str:
    """Return the path of *desk* for the subject."""
    return path_of(process, desk.path).replace(f"{{{process.subject.parameter}}}", subject_id)


def bring(caller: Caller, process: Process, subject_id: str, state: str) -> None:
    """Bring *process* into *state*; a venture has been set up since it exists."""
    if state == "setup":
        return
    if "setup" in process.lifecycle.status:
        caller.done(f"{process.path}/{subject_id}/{STEPS_TO[state][-1]}")
        return
    caller.bring(process.path.replace(f"{{{process.subject.parameter}}}", subject_id), state)


def open_subject(caller: Caller, process: Process, desk: Desk) -> str:
    """Return a subject whose *process* takes *desk*'s command."""
    subject_id = subject(caller, process)
    bring(caller, process, subject_id, min(desk.states, key=list(process.lifecycle.status).index))
    return subject_id


def recorded_in(caller: Caller, process: Process, subject_id: str) -> Any:
    """Return what must not change where a command is refused; other tests' jobs and policies may go on meanwhile."""
    if not subject_id:
        return caller.get("/api/venture").json.get("venture", {}).get("id")
    return caller.get(f"/api/events?stream={process.noun}-{subject_id}&limit=500").json["events"]


def body_of(desk: Desk) -> dict[str, Any]:
    """Return the JSON of *desk*'s example."""
    body: dict[str, Any] = msgspec.to_builtins(desk.example.when)
    return body


def wrong_value(kind: Any) -> Any:
    """Return a JSON value that is not of *kind*."""
    values: tuple[Any, ...] = ({}, 7, "x")
    for value in values:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return value
    raise AssertionError(kind)


@each_desk
def test_a_wrong_type_is_told_where_it_is(caller: Caller, process: Process, desk: Desk) -> None:
    """400 ``validation_error`` with the JSON path of the field, and nothing is appended."""
    subject_id = "" if desk.makes_subject else open_subject(caller, process, desk)
    address = path(process, desk, subject_id)
    before = recorded_in(caller, process, subject_id)
    for field in msgspec.structs.fields(desk.command):
        reply = caller.post(address, {**body_of(desk), field.name: wrong_value(field.type)})
        assert (reply.status, reply.code) == (400, "validation_error"), field.name
        assert f"`$.{field.name}`" in reply.json["error"]
    assert caller.post(address, [1]).status == 400
    assert recorded_in(caller, process, subject_id) == before


@each_desk
def test_a_missing_field_is_named(caller: Caller, process: Process, desk: Desk) -> None:
    """400 ``validation_error``; an empty body lacks all that is required, and nothing is appended."""
    subject_id = "" if desk.makes_subject else open_subject(caller, process, desk)
    address = path(process, desk, subject_id)
    before = recorded_in(caller, process, subject_id)
    required = [field.name for field in msgspec.structs.fields(desk.command) if field.required]
    for name in required:
        body = {field: value for field, value in body_of(desk).items() if field != name}
        reply = caller.post(address, body)
        assert (reply.status, reply.code) == (400, "validation_error")
        assert f"`{name}`" in reply.json["error"]
    if required:
        assert [caller.post(address, body).code for body in (None, b"", b"null", b"{}")] == ["validation_error"] * 4
    assert recorded_in(caller, process, subject_id) == before


@each_desk_of_a_subject
def test_an_unknown_subject_is_not_found(caller: Caller, process: Process, desk: Desk) -> None:
    """404 ``not_found`` names it, and nothing is appended."""
    reply = caller.post(path(process, desk, "nobody-1"), body_of(desk))
    assert (reply.status, reply.code) == (404, "not_found")
    assert f"{process.subject.kind} 'nobody-1'" in reply.json["error"]
    assert recorded_in(caller, process, "nobody-1") == []


@each_desk
def test_an_answer_says_what_was_done(caller: Caller, process: Process, desk: Desk) -> None:
    """Every command's answer has the fields that the contract promises."""
    address = path(process, desk, "" if desk.makes_subject else open_subject(caller, process, desk))
    reply = caller.post(address, body_of(desk))
    if reply.status == 409:
        assert desk.example.given or desk.refers_to
        assert reply.code == "conflict"
        return
    answer = reply.json
    leaves_work = desk.leaves_work(desk.example.when)
    assert reply.status == (desk.status if leaves_work or desk.work is None else 201)
    assert answer["ok"] is True
    made = desk.makes or ("job_id" if leaves_work else process.subject.parameter)
    assert answer["id"] == answer[made]
    assert (answer.get("job", {}).get("state") == "queued") == leaves_work
    assert answer["process"] == process.name
    assert answer["status"] == process.status_of(answer["state"])
    assert answer["status_label"] == answer["state"]
    assert len(answer["events"]) == len(desk.example.then)
    assert reply.headers["etag"] == f'"{answer["version"]}"'


# -- the states


@each_state
def test_a_state_opens_the_desks_that_it_names(caller: Caller, process: Process, state: str) -> None:
    """``available_actions`` are exactly the desks that are not refused with ``invalid_state``."""
    desks = [desk for desk in FOUND[process] if not desk.makes_subject]
    if state == "pending" and len(desks) < len(FOUND[process]):
        return  # The subject is made by its first command: nobody can address it before.
    closed_subject = subject(caller, process)
    bring(caller, process, closed_subject, state)
    named_actions = [desk.action for desk in desks if state in desk.states]
    before = recorded_in(caller, process, closed_subject)
    for desk in desks:
        if state not in desk.states:
            reply = caller.post(path(process, desk, closed_subject), body_of(desk))
            assert (reply.status, reply.code) == (409, "invalid_state")
            assert (reply.json["state"], reply.json["available_actions"]) == (state, named_actions)
            assert state in reply.json["error"]
            assert all(action in reply.json["error"] for action in named_actions)
    assert recorded_in(caller, process, closed_subject) == before
    for desk in desks:
        if state in desk.states:
            subject_id = subject(caller, process)
            bring(caller, process, subject_id, state)
            reply = caller.post(path(process, desk, subject_id), body_of(desk))
            assert reply.status in {desk.status, 201, 409}
            assert reply.status != 409 or reply.code != "invalid_state"
