"""Desk: propose divisions."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from hecate.discover_divisions import PROCESS
from hecate.discover_divisions.discover_division import DESK as DISCOVER, DiscoverDivision, DivisionDiscovered
from hecate.discover_divisions.propose_divisions import MOST_DIVISIONS, new_divisions
from hecate.discover_divisions.proposed_divisions import DivisionsProposed, ProposedDivision
from hecate.dossiers.errors import Refused
from tests.calling import Caller, Reply
from tests.deciding import decided
from tests.fakes.openai_style import Parrot, parrot
from tests.serving import serving

BRIEF = "An online shop for bicycles"
GOOD = json.dumps(
    {
        "divisions": [
            {
                "name": "Billing",
                "description": "Takes the money",
                "rationale": "Money has rules",
                "boundaries": ["Invoices belong to it."],
            },
            {"name": "auth", "description": "Who may do what", "rationale": "Identity", "boundaries": []},
        ]
    }
)
PROPOSED = DivisionsProposed(
    proposal_id="prop-1",
    divisions=(ProposedDivision("1", "Billing", "Takes the money", "Money has rules", ()),),
    model="openai/parrot-1",
    prompt_tokens=100,
    completion_tokens=20,
    cost_usd=None,
    hint="",
)


def discovering(caller: Caller, brief: str = BRIEF) -> str:
    """Return a venture with a brief, in discovery."""
    venture_id = caller.venture(brief=brief)
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    return venture_id


def propose(caller: Caller, venture_id: str, **fields: str) -> Reply:
    """Ask for a proposal, and wait for it."""
    return caller.post(f"/api/ventures/{venture_id}/discovery/propose?wait=true", fields)


def proposals(caller: Caller, venture_id: str) -> list[dict[str, Any]]:
    """Return what has been proposed."""
    found: list[dict[str, Any]] = caller.get(f"/api/ventures/{venture_id}/discovery/proposals").json["proposals"]
    return found


def test_a_proposal_is_a_fact_and_no_decision(asker: Caller, model: Parrot) -> None:
    """It is a job; what it records is shown, and nothing is discovered."""
    venture_id = discovering(asker)
    model.says.append(GOOD)
    accepted = asker.post(f"/api/ventures/{venture_id}/discovery/propose", {"hint": "no second-hand bicycles"})
    assert (accepted.status, accepted.json["events"], accepted.json["job"]["state"]) == (202, [], "queued")
    job = asker.get(f"/api/jobs/{accepted.json['job_id']}?wait=true").json["job"]
    assert job["state"] == "succeeded"
    (event,) = job["events"]
    assert event["type"] == "divisions_proposed_v1"
    (proposal,) = proposals(asker, venture_id)
    assert proposal["id"] == event["data"]["proposal_id"]
    assert [division["name"] for division in proposal["divisions"]] == ["Billing", "auth"]
    assert [division["id"] for division in proposal["divisions"]] == ["1", "2"]
    assert (proposal["model"], proposal["prompt_tokens"], proposal["completion_tokens"]) == ("openai/parrot-1", 100, 20)
    assert proposal["hint"] == "no second-hand bicycles"
    assert asker.get(f"/api/ventures/{venture_id}/divisions").json["divisions"] == []


def test_the_model_is_shown_what_it_needs(asker: Caller, model: Parrot) -> None:
    """The brief, the hint, what there is already, and the schema, in words and for the provider."""
    venture_id = discovering(asker)
    asker.division(venture_id, "auth")
    model.says.append(GOOD)
    answer = propose(asker, venture_id, hint="no second-hand bicycles").json
    assert [division["name"] for division in answer["events"][0]["data"]["divisions"]] == ["Billing"]
    system, prompt = (message["content"] for message in model.asked[0]["messages"])
    assert all(text in prompt for text in (BRIEF, "no second-hand bicycles", "- auth:"))
    assert '"additionalProperties": false' in system
    assert model.asked[0]["response_format"]["type"] == "json_schema"


def test_the_call_is_on_the_ventures_account(asker: Caller, model: Parrot) -> None:
    """Its tokens are found by the venture."""
    venture_id = discovering(asker)
    model.says.append(GOOD)
    propose(asker, venture_id)
    usage = asker.get("/api/llm/usage?by=venture").json["rows"]
    (line,) = (line for line in usage if line["venture_id"] == venture_id)
    assert (line["prompt_tokens"], line["completion_tokens"]) == (100, 20)


def test_a_person_picks(asker: Caller, model: Parrot) -> None:
    """By name or by number; what is given besides wins over the proposal."""
    venture_id = discovering(asker)
    model.says.append(GOOD)
    proposal_id = propose(asker, venture_id).json["proposal_id"]
    path = f"/api/ventures/{venture_id}/discovery/discover"
    billing = asker.done(path, {"division_name": "billing", "proposal_id": proposal_id})["events"][0]["data"]
    assert (billing["division_name"], billing["description"], billing["rationale"]) == (
        "Billing",
        "Takes the money",
        "Money has rules",
    )
    auth = asker.done(path, {"division_name": "2", "description": "Mine", "proposal_id": proposal_id})
    assert auth["events"][0]["data"]["description"] == "Mine"
    (proposal,) = proposals(asker, venture_id)
    assert [division["division_id"] for division in proposal["divisions"]] == [billing["division_id"], auth["id"]]


def test_nonsense_gets_one_repair_round(asker: Caller, model: Parrot) -> None:
    """The model is told what was wrong, and both calls are counted."""
    venture_id = discovering(asker)
    model.says += ['{"divisions": "billing"}', f"Sorry!\n```json\n{GOOD}\n```"]
    answer = propose(asker, venture_id).json
    assert answer["events"][0]["data"]["prompt_tokens"] == 200
    assert "Expected `array`, got `str` - at `$.divisions`" in model.prompts[1]
    assert model.asked[1]["messages"][2] == {"role": "assistant", "content": '{"divisions": "billing"}'}


def test_nonsense_twice_is_a_clear_error(asker: Caller, model: Parrot) -> None:
    """502 names the model, what was wrong and some of what it said; nothing is recorded but the job."""
    venture_id = discovering(asker)
    model.says += ["no", "Polly wants a cracker. " * 1000]
    head = asker.head
    reply = propose(asker, venture_id)
    assert (reply.status, reply.code) == (502, "provider_error")
    assert "openai/parrot-1 did not answer what it was asked" in reply.json["error"]
    assert "there is no whole JSON object in the answer" in reply.json["error"]
    assert "Polly wants a cracker." in reply.json["error"]
    assert len(reply.json["error"]) < 600
    assert reply.json["job"]["state"] == "failed"
    assert asker.head == head
    assert not model.says


def test_nothing_new_is_nonsense_too(asker: Caller, model: Parrot) -> None:
    """A proposal of what there is already is no answer."""
    venture_id = discovering(asker)
    asker.division(venture_id, "auth")
    again = '{"divisions": [{"name": "AUTH"}]}'
    model.says += [again, again]
    assert "it proposes no new division" in propose(asker, venture_id).json["error"]


def test_a_provider_without_schemas_is_asked_without(asker: Caller, model: Parrot) -> None:
    """The form is asked for in words as well."""
    venture_id = discovering(asker)
    model.says += [(400, "response_format json_schema is not supported"), GOOD]
    assert propose(asker, venture_id).status == 201
    assert "response_format" not in model.asked[1]


def test_a_provider_that_fails_is_passed_on(asker: Caller, model: Parrot) -> None:
    """As in every chat, without its key."""
    venture_id = discovering(asker)
    model.says.append((401, "Incorrect API key provided: sk-parrot-1234567890"))
    reply = propose(asker, venture_id)
    assert (reply.status, reply.code) == (502, "provider_error")
    assert "Incorrect API key provided" in reply.json["error"]
    assert "1234567890" not in reply.json["error"]


def test_an_unknown_model_is_told(asker: Caller) -> None:
    """404, as in every chat."""
    reply = propose(asker, discovering(asker), model="dodo-9")
    assert (reply.status, reply.code) == (404, "model_not_found")


def test_there_must_be_something_to_propose_from(asker: Caller) -> None:
    """A brief or a hint."""
    reply = propose(asker, discovering(asker, brief=" "))
    assert (reply.status, reply.code) == (409, "conflict")
    assert "has no brief to propose divisions from; give a hint" in reply.json["error"]


def test_a_slow_model_is_left_when_the_job_is_cancelled(asker: Caller, model: Parrot) -> None:
    """The provider sees the call end."""
    venture_id = discovering(asker)
    job_id = asker.post(f"/api/ventures/{venture_id}/discovery/propose").json["job_id"]
    with asker.feed(f"/api/jobs/{job_id}/stream") as feed:
        while b"asks a model for divisions" not in b"".join(feed.block()):
            pass
        cancelled = asker.post(f"/api/jobs/{job_id}/cancel").json["job"]
    assert (cancelled["state"], cancelled["code"]) == ("cancelled", "conflict")
    assert model.left.wait(10)
    assert proposals(asker, venture_id) == []


def test_without_any_model_it_says_so() -> None:
    """And what can be done about it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, serving(Path(folder)) as child:
        caller = Caller(child.socket_path)
        reply = propose(caller, discovering(caller))
        caller.close()
        assert (reply.status, reply.code) == (404, "model_not_found")
        assert "no model was named, and no provider has one" in reply.json["error"]


def test_a_killed_daemon_leaves_the_proposal_undone() -> None:
    """The job is recorded as interrupted at the next start, and can be asked for again."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, parrot() as model:
        with serving(Path(folder), configuration=model.configuration) as child:
            caller = Caller(child.socket_path)
            venture_id = discovering(caller)
            job_id = caller.post(f"/api/ventures/{venture_id}/discovery/propose").json["job_id"]
            with caller.feed(f"/api/jobs/{job_id}/stream") as feed:
                while b"asks a model for divisions" not in b"".join(feed.block()):
                    pass
                child.process.kill()
                child.process.wait()
            caller.close()
        with serving(Path(folder), configuration=model.configuration) as child:
            caller = Caller(child.socket_path)
            job = caller.get(f"/api/jobs/{job_id}").json["job"]
            assert (job["state"], job["error"]) == (
                "interrupted",
                "the daemon stopped while the job was running",
            )
            model.says.append(GOOD)
            assert propose(caller, venture_id).status == 201
            caller.close()


def test_unknown_proposals_are_refused() -> None:
    """So is what a proposal does not have."""
    command = DiscoverDivision(division_name="Billing", proposal_id="prop-9")
    with pytest.raises(Refused, match="there is no proposal 'prop-9'"):
        decided(PROCESS, DISCOVER, command, [PROPOSED])
    command = DiscoverDivision(division_name="shipping", proposal_id="prop-1")
    with pytest.raises(Refused, match="has no division 'shipping'; it has Billing"):
        decided(PROCESS, DISCOVER, command, [PROPOSED])


def test_what_is_proposed_is_discovered_once() -> None:
    """A proposal does not make a name free again."""
    given = [PROPOSED, DivisionDiscovered("div-1", "Billing", "", "")]
    with pytest.raises(Refused, match="a division named 'Billing' already"):
        decided(PROCESS, DISCOVER, DiscoverDivision(division_name="1", proposal_id="prop-1"), given)


def test_names_are_cleaned_and_each_comes_once() -> None:
    """Whatever a model makes of them; the numbers are those of what is left."""
    answer = [_said(name) for name in ("**Billing**", "", "2", "billing", "\u0000", "Auth", "x" * 500)]
    found = new_divisions(answer, {"AUTH"})
    assert [(division.id, division.name) for division in found] == [("1", "Billing"), ("2", "x" * 200)]
    assert len(new_divisions([_said(f"d{number}") for number in range(100)], ())) == MOST_DIVISIONS


def _said(name: str) -> Any:
    return ProposedDivision("", name, "", "", ())
