"""Raising and closing incidents, objectives, and the policy that closes one after a fix."""

from __future__ import annotations

from typing import NamedTuple, cast

import pytest

from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Event
from hecate.dossiers.policies import Reaction
from hecate.monitor_division import PROCESS
from hecate.monitor_division.close_incident import DESK as CLOSE, CloseIncident
from hecate.monitor_division.on_fix_applied_maybe_close_incident import POLICY
from hecate.monitor_division.raise_incident import DESK as RAISE, RaiseIncident
from hecate.monitor_division.set_objective import DESK as OBJECTIVE, ObjectiveSet, SetObjective
from tests.calling import STEPS_TO, Caller
from tests.deciding import decided
from tests.monitor_division.registrations import closed, raised


def test_a_title_is_open_once() -> None:
    """Two people who see the same thing raise one incident; after it is closed, it may come again."""
    with pytest.raises(Refused, match="incident 'logins fail' is open already: inc-0"):
        decided(PROCESS, RAISE, RaiseIncident(title="logins fail"), (raised(),))
    assert len(decided(PROCESS, RAISE, RaiseIncident(title="logins fail"), (raised(), closed()))) == 1


def test_an_incident_is_closed_once() -> None:
    """And must have been raised."""
    with pytest.raises(Refused, match="there is no incident 'inc-9'"):
        decided(PROCESS, CLOSE, CloseIncident(incident_id="inc-9"))
    with pytest.raises(Refused, match="incident 'inc-0' is closed already"):
        decided(PROCESS, CLOSE, CloseIncident(incident_id="inc-0"), (raised(), closed()))


@pytest.mark.parametrize("state", ["active", "paused", "completed", "archived"])
def test_an_incident_may_be_closed_in_any_state(caller: Caller, state: str) -> None:
    """It can outlive the watch."""
    division_id = caller.division_with(monitor="active")
    path = f"/api/divisions/{division_id}/monitor"
    incident_id = caller.done(f"{path}/incident", {"title": "logins fail"})["id"]
    for step in STEPS_TO[state][1:]:
        caller.done(f"{path}/{step}")
    caller.done(f"{path}/close", {"incident_id": incident_id, "reason": "mended"})
    assert caller.get(f"/api/divisions/{division_id}/monitoring").json["open_incidents"] == []


class Fix(NamedTuple):
    """An applied fix, as rescue_division stores it."""

    fix_id: str
    incident_id: str
    description: str
    commit: str
    closes: bool


@pytest.mark.parametrize("closes", [True, False])
def test_a_fix_closes_its_incident_if_it_says_so(closes: bool) -> None:  # noqa: FBT001
    """Else it stays open."""
    event = cast("Event", Fix("fix-1", "inc-0", "", "", closes))
    command = CloseIncident(incident_id="inc-0", reason="fix fix-1 was applied")
    wanted = Reaction(process="monitor_division", subject_id="div-1", command=command)
    assert POLICY.react(event, "div-1") == (wanted if closes else None)


def test_the_last_objective_holds() -> None:
    """The same again adds nothing, another one replaces it."""
    holds = ObjectiveSet(objective_id="slo-1", check_id="", availability_percent=99.9, window="30d")
    assert decided(PROCESS, OBJECTIVE, SetObjective(availability_percent=99.9), (holds,)) == []
    other = decided(PROCESS, OBJECTIVE, SetObjective(availability_percent=99.0, window="24h"), (holds,))
    assert len(other) == 1
    with pytest.raises(Refused, match="there is no check 'chk-x'"):
        decided(PROCESS, OBJECTIVE, SetObjective(availability_percent=99.0, check_id="chk-x"))
