"""The model's commands: what each comes to that leaves no job, by what its process has made until now.

Whether the process is in a state to take it is in `domain_model_rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.domain_model import Check, Division, Venture

Events = list[tuple[str, dict[str, Any]]]
"""Stored names, with the fields that are known beforehand."""


class Refused(Exception):
    """It contradicts what is recorded."""


def _workspace(venture: Venture, body: dict[str, Any]) -> Events:
    now = body["workspace"]
    return [] if now == venture.workspace else [("workspace_assigned_v1", {"workspace": now})]


def _discover(venture: Venture, body: dict[str, Any]) -> Events:
    name = body["division_name"]
    if name in venture.divisions:
        raise Refused
    return [("division_discovered_v1", {"division_name": name})]


def _aggregate(division: Division, body: dict[str, Any]) -> Events:
    if body["aggregate_name"] in division.aggregates:
        raise Refused
    return [("aggregate_designed_v1", body)]


def _event(division: Division, body: dict[str, Any]) -> Events:
    aggregate = body.get("aggregate_name", "")
    if body["event_name"] in division.events or (aggregate and aggregate not in division.aggregates):
        raise Refused
    return [("event_designed_v1", body)]


def _desk(division: Division, body: dict[str, Any]) -> Events:
    if body["desk_name"] in division.desks:
        raise Refused
    return [("desk_inventoried_v1", {"desk_type": "command", "priority": "P2", **body})]


def _dependency(division: Division, body: dict[str, Any]) -> Events:
    needing, needed = body["from_desk"], body["to_desk"]
    if not {needing, needed} <= set(division.desks) or needing == needed or needed in division.needs[needing]:
        raise Refused
    if needing in _reachable(needed, division.needs):
        raise Refused
    ids = {"from_desk_id": division.desks[needing], "to_desk_id": division.desks[needed]}
    return [("dependency_planned_v1", body | ids)]


def _reachable(start: str, needs: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = needs[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _sequence(division: Division, body: dict[str, Any]) -> Events:
    order = tuple(body.get("desk_names") or _by_urgency(division))
    earlier = {name for names, _ in division.sequences for name in names}
    if not order or not set(order) <= set(division.desks) or len(set(order)) < len(order):
        raise Refused
    for at, desk in enumerate(order):
        if not division.needs[desk] <= earlier - set(order) | set(order[:at]):
            raise Refused
    sprint = body.get("sprint_number", 1)
    if division.sequences and division.sequences[-1] == (order, sprint):
        return []
    return [("desks_sequenced_v1", {"desk_names": list(order), "sprint_number": sprint})]


def _by_urgency(division: Division) -> list[str]:
    """Return all desks: of those that may come next, the most urgent; of these, the one that was there first."""
    urgency = {
        desk: min(division.priorities[other] for other in division.desks if desk in {other, *_reachable(other, needs)})
        for needs in [division.needs]
        for desk in division.desks
    }
    order: list[str] = []
    while len(order) < len(division.desks):
        ready = [desk for desk in division.desks if desk not in order and division.needs[desk] <= set(order)]
        order.append(min(ready, key=lambda desk: urgency[desk]))
    return order


def _result(division: Division, body: dict[str, Any]) -> Events:
    told = {"coverage": None, "reference": "", **body}
    last = division.results.get((told["suite_type"], told["reference"]))
    if last == (told["passed"], told["failed"], told["coverage"]):
        return []
    return [("test_result_recorded_v1", told)]


def _check(division: Division, body: dict[str, Any]) -> Events:
    if body["name"] in {check.name for check in division.checks.values() if not check.is_retired}:
        raise Refused
    return [("health_check_registered_v1", body)]


def _registered(division: Division, check_id: str) -> Check:
    check = division.checks.get(check_id)
    if check is None or check.is_retired:
        raise Refused
    return check


def _status(division: Division, body: dict[str, Any]) -> Events:
    check = _registered(division, body["check_id"])
    said = body["status"], body.get("latency_ms"), body.get("message", "")
    recorded = ("health_status_recorded_v1", dict(zip(("status", "latency_ms", "message"), said, strict=True)))
    raised = _open_of(division, body["check_id"])
    if body["status"] == "healthy" and raised:
        return [("incident_closed_v1", {"incident_id": raised}), recorded]
    if body["status"] == "unhealthy" and not raised and body.get("failures_in_a_row", 1) >= check.threshold:
        incident = {"check_id": body["check_id"], "severity": check.severity}
        return [("incident_raised_v1", incident), recorded]
    return [] if said == check.said else [recorded]


def _open_of(division: Division, check_id: str) -> str:
    opened = [of for of, incident in division.open_incidents().items() if incident.check_id == check_id]
    return opened[0] if opened else ""


def _retire(division: Division, body: dict[str, Any]) -> Events:
    _registered(division, body["check_id"])
    retired: Events = [("health_check_retired_v1", body)]
    raised = _open_of(division, body["check_id"])
    return [("incident_closed_v1", {"incident_id": raised}), *retired] if raised else retired


def _incident(division: Division, body: dict[str, Any]) -> Events:
    if body["title"] in {incident.title for incident in division.open_incidents().values()}:
        raise Refused
    return [("incident_raised_v1", {"severity": "sev3", "check_id": "", **body})]


def _close(division: Division, body: dict[str, Any]) -> Events:
    if body["incident_id"] not in division.open_incidents():
        raise Refused
    return [("incident_closed_v1", body)]


def _objective(division: Division, body: dict[str, Any]) -> Events:
    told = {"check_id": "", "window": "30d", **body}
    if told["check_id"]:
        _registered(division, told["check_id"])
    if division.objectives.get(told["check_id"]) == (told["availability_percent"], told["window"]):
        return []
    return [("objective_set_v1", told)]


def _diagnose(division: Division, body: dict[str, Any]) -> Events:
    if body["incident_id"] not in division.incidents:
        raise Refused
    told = {"root_cause": "", **body}
    if (told["incident_id"], told["diagnosis"], told["root_cause"]) in division.diagnoses:
        return []
    return [("incident_diagnosed_v1", told)]


def _fix(division: Division, body: dict[str, Any]) -> Events:
    if body["incident_id"] not in division.incidents:
        raise Refused
    if (body["incident_id"], body["description"]) in division.fixes:
        return []
    return [("fix_applied_v1", {"closes": True, **body})]


def _escalate(division: Division, body: dict[str, Any]) -> Events:
    told = {"aggregates": [], **body}
    if (told["reason"], tuple(told["aggregates"])) in division.escalations:
        raise Refused
    return [("redesign_escalated_v1", told)]


def _nothing_to_refer_to(_subject: object, _body: dict[str, Any]) -> Events:
    """Refuse: it names a proposal or a release, and none is ever made here."""
    raise Refused


RULES: dict[tuple[str, str], Callable[[Any, dict[str, Any]], Events]] = {
    ("setup", "archive"): lambda _venture, body: [("venture_archived_v1", {"reason": body.get("reason", "")})],
    ("setup", "workspace"): _workspace,
    ("discovery", "discover"): _discover,
    ("design", "aggregate"): _aggregate,
    ("design", "event"): _event,
    ("design", "accept"): _nothing_to_refer_to,
    ("plan", "desk"): _desk,
    ("plan", "dependency"): _dependency,
    ("plan", "sequence"): _sequence,
    ("plan", "accept"): _nothing_to_refer_to,
    ("test", "result"): _result,
    ("deploy", "rollout"): _nothing_to_refer_to,
    ("deploy", "rollback"): _nothing_to_refer_to,
    ("monitor", "check"): _check,
    ("monitor", "status"): _status,
    ("monitor", "retire"): _retire,
    ("monitor", "incident"): _incident,
    ("monitor", "close"): _close,
    ("monitor", "objective"): _objective,
    ("rescue", "diagnose"): _diagnose,
    ("rescue", "fix"): _fix,
    ("rescue", "escalate"): _escalate,
}
"""Of each command that leaves no job, what it appends."""
