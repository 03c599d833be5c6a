"""Desks: propose a design, and accept what a person picks of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.design_division import PROCESS
from hecate.design_division.accept_design import DESK as ACCEPT, AcceptDesign
from hecate.design_division.design_aggregate import AggregateDesigned
from hecate.design_division.design_event import EventDesigned
from hecate.design_division.proposed_designs import DesignProposed, ProposedAggregate, ProposedEvent
from hecate.design_division.questions_on_designs import DesignAnswer, Known, new_parts
from hecate.dossiers.errors import Refused
from hecate.jobs.structured_answer import read_answer
from tests.calling import Caller, Reply
from tests.deciding import decided
from tests.fakes.openai_style import Parrot

ANSWER = {
    "aggregates": [
        {"name": "account", "stream_pattern": "account-{id}", "status_flags": ["ACTIVE", "ACTIVE"], "description": "x"},
        {"name": "session"},
    ],
    "events": [
        {"name": "account_opened", "aggregate": "Account", "payload_fields": ["email", " email"]},
        {"name": "session_begun", "aggregate": "session"},
        {"name": "clock_ticked", "aggregate": "clock"},
    ],
}
GOOD = json.dumps(ANSWER)
KNOWN = Known(venture="shop", brief="", division="auth", description="", rationale="")
PROPOSED = DesignProposed(
    proposal_id="prop-1",
    aggregates=(ProposedAggregate("account", "", (), ""), ProposedAggregate("session", "", (), "")),
    events=(
        ProposedEvent("account_opened", "account", (), ""),
        ProposedEvent("account_closed", "account", (), ""),
        ProposedEvent("session_begun", "session", (), ""),
        ProposedEvent("clock_ticked", "", (), ""),
    ),
    model="openai/parrot-1",
    prompt_tokens=1,
    completion_tokens=1,
    cost_usd=None,
    hint="",
)


def propose(caller: Caller, division_id: str, **fields: str) -> Reply:
    """Ask for a proposal, and wait for it."""
    return caller.post(f"/api/divisions/{division_id}/design/propose?wait=true", fields)


def names(events: list[Any]) -> list[str]:
    """Return the names of what was designed."""
    return [one.aggregate_name if isinstance(one, AggregateDesigned) else one.event_name for one in events]


def test_a_proposal_is_shown_and_accepted(asker: Caller, model: Parrot) -> None:
    """Nothing is designed before a person says so; then all that was picked is, in one go."""
    division_id = asker.division_with(design="active")
    path = f"/api/divisions/{division_id}"
    model.says.append(GOOD)
    answer = propose(asker, division_id, hint="keep it small").json
    (item,) = asker.get(f"{path}/designs").json["designs"]
    assert (item["kind"], item["id"]) == ("proposal", answer["proposal_id"])
    assert item["aggregates"][0]["status_flags"] == ["ACTIVE"]
    assert [event["aggregate_name"] for event in item["events"]] == ["account", "session", ""]
    assert item["events"][0]["payload_fields"] == ["email"]

    accepted = asker.done(f"{path}/design/accept", {"proposal_id": item["id"], "aggregates": ["account"]})
    assert [event["type"] for event in accepted["events"]] == ["aggregate_designed_v1", "event_designed_v1"]
    again = asker.done(f"{path}/design/accept", {"proposal_id": item["id"]})
    made = [event["data"] for event in (*accepted["events"], *again["events"])]
    ids = [data.get("event_id") or data["aggregate_id"] for data in made]
    assert len(set(ids)) == len(ids) == 5
    kinds = [item["kind"] for item in asker.get(f"{path}/designs").json["designs"]]
    assert kinds == ["proposal", "aggregate", "event", "aggregate", "event", "event"]


def test_the_model_is_shown_what_it_needs(asker: Caller, model: Parrot) -> None:
    """The brief, the division, what is designed already, and the hint."""
    venture_id = asker.venture(brief="An online shop for bicycles")
    asker.done(f"/api/ventures/{venture_id}/discovery/start")
    asker.done(
        f"/api/ventures/{venture_id}/discovery/discover", {"division_name": "auth", "description": "Who may do what"}
    )
    (division,) = asker.get(f"/api/ventures/{venture_id}/divisions").json["divisions"]
    path = f"/api/divisions/{division['id']}/design"
    asker.done(f"{path}/start")
    asker.done(f"{path}/aggregate", {"aggregate_name": "role"})
    model.says.append(GOOD)
    propose(asker, division["id"], hint="keep it small")
    for text in ("An online shop for bicycles", "auth", "Who may do what", "- aggregate role", "keep it small"):
        assert text in model.prompts[0]


def test_a_proposal_of_nothing_new_is_asked_for_again(asker: Caller, model: Parrot) -> None:
    """Once."""
    division_id = asker.division_with(design="active")
    model.says += ['{"aggregates": [], "events": []}', '{"aggregates": [], "events": [{"name": "  "}]}']
    reply = propose(asker, division_id)
    assert (reply.status, reply.code) == (502, "provider_error")
    assert "it proposes no new aggregate and no new event" in reply.json["error"]


def test_what_is_designed_already_is_left_out() -> None:
    """Whatever the case of its letters."""
    known = KNOWN._replace(
        aggregates=(AggregateDesigned("agg-1", "ACCOUNT", "", (), ""),),
        events=(EventDesigned("evt-1", "account_opened", "ACCOUNT", (), ""),),
    )
    answer = read_answer(GOOD, DesignAnswer).answer
    assert answer is not None
    aggregates, events = new_parts(answer, known)
    assert [aggregate.aggregate_name for aggregate in aggregates] == ["session"]
    assert [event.event_name for event in events] == ["session_begun", "clock_ticked"]


@pytest.mark.parametrize(
    ("picked", "designed"),
    [
        ({}, ["account", "session", "account_opened", "account_closed", "session_begun", "clock_ticked"]),
        ({"aggregates": ("account",)}, ["account", "account_opened", "account_closed"]),
        ({"events": ("account_closed",)}, ["account", "account_closed"]),
        ({"events": ("clock_ticked",)}, ["clock_ticked"]),
        ({"aggregates": ("session",), "events": ("account_opened",)}, ["session", "account", "account_opened"]),
    ],
)
def test_what_is_picked_is_designed(picked: dict[str, Any], designed: list[str]) -> None:
    """All of it; an aggregate with its events; an event with its aggregate; or both as they are named."""
    assert names(decided(PROCESS, ACCEPT, AcceptDesign(proposal_id="prop-1", **picked), [PROPOSED])) == designed


def test_what_is_designed_already_stays_as_it_is() -> None:
    """Accepting adds what is not there."""
    given = [
        PROPOSED,
        AggregateDesigned("agg-0", "account", "mine", (), ""),
        EventDesigned("evt-0", "account_opened", "account", (), "mine"),
    ]
    command = AcceptDesign(proposal_id="prop-1", aggregates=("account",))
    assert names(decided(PROCESS, ACCEPT, command, given)) == ["account_closed"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (AcceptDesign(proposal_id="prop-9"), "there is no proposal 'prop-9'"),
        (AcceptDesign(proposal_id="prop-1", aggregates=("role",)), "has no aggregate 'role'; it has account, session"),
        (AcceptDesign(proposal_id="prop-1", events=("role_given",)), "has no event 'role_given'"),
    ],
)
def test_what_was_not_proposed_is_refused(command: AcceptDesign, why: str) -> None:
    """The sentence names what there is."""
    with pytest.raises(Refused, match=why):
        decided(PROCESS, ACCEPT, command, [PROPOSED])
