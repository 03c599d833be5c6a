"""Desk: escalate to a redesign."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import Refused
from hecate.rescue_division import PROCESS
from hecate.rescue_division.escalate_redesign import DESK, EscalateRedesign, RedesignEscalated
from tests.calling import Caller
from tests.deciding import decided

EARLIER = RedesignEscalated(escalation_id="esc-1", reason="sessions are on two hosts", aggregates=("session",))


def test_an_escalation_opens_the_next_iteration(caller: Caller) -> None:
    """A completed design can be started again, and its plan."""
    division_id = caller.division_with(design="completed", plan="completed", rescue="active")
    path = f"/api/divisions/{division_id}"
    assert caller.post(f"{path}/design/start").code == "invalid_state"
    escalated = caller.done(f"{path}/rescue/escalate", {"reason": "sessions are on two hosts"})
    assert escalated["events"][0]["type"] == "redesign_escalated_v1"
    for process in ("design", "plan"):
        started = caller.done(f"{path}/{process}/start")
        assert started["events"] == [{"type": f"{process}_started_v1", "data": {"iteration": 2}}]
    (item,) = caller.get(f"{path}/rescues").json["rescues"]
    assert (item["kind"], item["id"]) == ("escalation", escalated["escalation_id"])


def test_the_same_reason_again_is_refused() -> None:
    """It would begin an iteration for nothing new."""
    with pytest.raises(Refused, match="escalated already, as 'esc-1'; say what is new"):
        decided(PROCESS, DESK, EscalateRedesign(EARLIER.reason, EARLIER.aggregates), [EARLIER])
    assert decided(PROCESS, DESK, EscalateRedesign(EARLIER.reason, ("user",)), [EARLIER])


def test_a_reason_says_something() -> None:
    """Blanks are none."""
    with pytest.raises(Refused, match="needs a reason"):
        decided(PROCESS, DESK, EscalateRedesign(" "))
