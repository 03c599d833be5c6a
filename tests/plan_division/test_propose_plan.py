"""Desks: propose a plan, and accept what a person picks of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hecate.dossiers.errors import Refused
from hecate.jobs.structured_answer import read_answer
from hecate.plan_division import PROCESS
from hecate.plan_division.accept_plan import DESK as ACCEPT, AcceptPlan
from hecate.plan_division.inventory_desk import DeskInventoried
from hecate.plan_division.plan_dependency import DependencyPlanned
from hecate.plan_division.proposed_plans import PlanProposed, ProposedDesk
from hecate.plan_division.questions_on_plans import Known, PlanAnswer, new_desks
from tests.calling import Caller, Reply
from tests.deciding import decided
from tests.fakes.openai_style import Parrot

ANSWER = {
    "desks": [
        {"name": "open_account", "type": "COMMAND", "aggregate": "Account", "priority": "p0", "depends_on": ["nobody"]},
        {"name": "list_accounts", "type": "query", "priority": "urgent", "depends_on": ["keep_accounts"]},
        {"name": "keep_accounts", "type": "projection", "aggregate": "clock", "depends_on": ["open_account"]},
    ]
}
KNOWN = Known(division="auth", description="", aggregates={"account": ""}, events=(), needs={})
PROPOSED = PlanProposed(
    proposal_id="prop-1",
    desks=(
        ProposedDesk("open_account", "command", "account", "P0", "", ()),
        ProposedDesk("keep_accounts", "projection", "account", "P1", "", ("open_account",)),
        ProposedDesk("list_accounts", "query", "account", "P2", "", ("keep_accounts",)),
    ),
    model="openai/parrot-1",
    prompt_tokens=1,
    completion_tokens=1,
    cost_usd=None,
    hint="",
)


def propose(caller: Caller, division_id: str, **fields: str) -> Reply:
    """Ask for a proposal, and wait for it."""
    return caller.post(f"/api/divisions/{division_id}/plan/propose?wait=true", fields)


def designed(caller: Caller) -> str:
    """Return a division with a design, whose plan is active."""
    division_id = caller.division_with(design="active", plan="active")
    path = f"/api/divisions/{division_id}/design"
    caller.done(f"{path}/aggregate", {"aggregate_name": "account", "description": "Who may sign in"})
    caller.done(
        f"{path}/event", {"event_name": "account_opened", "aggregate_name": "account", "payload_fields": ["email"]}
    )
    return division_id


def proposed(said: Any, known: Known = KNOWN) -> tuple[ProposedDesk, ...]:
    """Return what is made of an answer."""
    answer = read_answer(json.dumps(said), PlanAnswer).answer
    assert answer is not None
    return new_desks(answer, known)


def test_a_proposal_is_shown_and_accepted(asker: Caller, model: Parrot) -> None:
    """Nothing is planned before a person says so; then the desks are, with what each needs, and can be sequenced."""
    division_id = designed(asker)
    path = f"/api/divisions/{division_id}"
    model.says.append(json.dumps(ANSWER))
    proposal_id = propose(asker, division_id, hint="keep it small").json["proposal_id"]
    (item,) = asker.get(f"{path}/plans").json["plans"]
    assert (item["kind"], item["id"]) == ("proposal", proposal_id)
    for text in ("- aggregate account: Who may sign in", "- event account_opened of account: email", "keep it small"):
        assert text in model.prompts[0]
    accepted = asker.done(f"{path}/plan/accept", {"proposal_id": proposal_id})
    assert [event["type"] for event in accepted["events"]] == ["desk_inventoried_v1"] * 3 + [
        "dependency_planned_v1"
    ] * 2
    sequence = asker.done(f"{path}/plan/sequence")["events"][0]["data"]
    assert sequence["desk_names"] == ["open_account", "keep_accounts", "list_accounts"]
    assert asker.done(f"{path}/plan/accept", {"proposal_id": proposal_id})["events"] == []


def test_there_must_be_a_design(asker: Caller, model: Parrot) -> None:
    """Before any model is asked."""
    reply = propose(asker, asker.division_with(plan="active"))
    assert (reply.status, reply.code) == (409, "conflict")
    assert "has no design to plan from" in reply.json["error"]
    assert model.asked == []


def test_a_proposal_of_nothing_new_is_asked_for_again(asker: Caller, model: Parrot) -> None:
    """Once."""
    division_id = designed(asker)
    model.says += ['{"desks": []}', '{"desks": []}']
    reply = propose(asker, division_id)
    assert (reply.status, reply.code) == (502, "provider_error")
    assert "it proposes no new desk" in reply.json["error"]


def test_what_a_model_says_becomes_a_plan() -> None:
    """Types and priorities in any case, unknown ones as usual; unknown aggregates and desks left out."""
    first, second, third = proposed(ANSWER)
    assert (first.desk_type, first.priority, first.aggregate_name, first.depends_on) == ("command", "P0", "account", ())
    assert (second.desk_type, second.priority, second.depends_on) == ("query", "P2", ("keep_accounts",))
    assert (third.desk_type, third.aggregate_name, third.depends_on) == ("projection", "", ("open_account",))


def test_what_would_close_a_circle_is_left_out() -> None:
    """Also with what is planned already, and of a desk with itself."""
    said = {"desks": [{"name": "a", "depends_on": ["b", "a"]}, {"name": "b", "depends_on": ["a", "old"]}]}
    first, second = proposed(said, KNOWN._replace(needs={"old": {"older"}, "older": set()}))
    assert (first.depends_on, second.depends_on) == (("b",), ("old",))


def test_what_is_planned_already_is_left_out() -> None:
    """Whatever the case of its letters."""
    found = proposed(ANSWER, KNOWN._replace(needs={"Open_Account": set()}))
    assert [desk.desk_name for desk in found] == ["list_accounts", "keep_accounts"]
    assert found[1].depends_on == ("Open_Account",)


def test_some_desks_are_picked() -> None:
    """With what they need of what is planned then, and nothing else."""
    command = AcceptPlan(proposal_id="prop-1", desks=("list_accounts", "keep_accounts"))
    events = decided(PROCESS, ACCEPT, command, [PROPOSED])
    assert [event.desk_name for event in events if isinstance(event, DeskInventoried)] == [*command.desks]
    (dependency,) = (event for event in events if isinstance(event, DependencyPlanned))
    assert (dependency.from_desk, dependency.to_desk) == ("list_accounts", "keep_accounts")


def test_a_dependency_on_what_was_planned_before() -> None:
    """Refers to that desk; one against it is left out."""
    given = [
        PROPOSED,
        DeskInventoried("desk-7", "open_account", "command", "", "P2", "mine"),
        DeskInventoried("desk-8", "keep_accounts", "command", "", "P2", "mine"),
        DependencyPlanned("dep-7", "desk-7", "desk-8", "open_account", "keep_accounts"),
    ]
    events = decided(PROCESS, ACCEPT, AcceptPlan(proposal_id="prop-1"), given)
    assert [type(event) for event in events] == [DeskInventoried, DependencyPlanned]
    assert getattr(events[1], "to_desk_id", "") == "desk-8"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (AcceptPlan(proposal_id="prop-9"), "there is no proposal 'prop-9'"),
        (AcceptPlan(proposal_id="prop-1", desks=("close",)), "has no desk 'close'; it has open_account, keep_accounts"),
    ],
)
def test_what_was_not_proposed_is_refused(command: AcceptPlan, why: str) -> None:
    """The sentence names what there is."""
    with pytest.raises(Refused, match=why):
        decided(PROCESS, ACCEPT, command, [PROPOSED])
