"""What the read models show, beside the model's world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.domain_model import DIVISION_NOUNS, Division, Standing, Venture, World
from tests.faults.domain_model_rules import actions

Get = Callable[[str], Any]
PROCESSES = {path: f"{path}_division" for path in DIVISION_NOUNS}


def check_what_is_read(get: Get, world: World) -> str:
    """Return what is shown otherwise than the model has it, empty if all is right."""
    for venture_id, venture in world.ventures.items():
        if wrong := _of_venture(get, venture_id, venture, world):
            return f"venture {venture.name} {venture_id}: {wrong}"
    for division_id, division in world.divisions.items():
        if wrong := _of_division(get, division_id, division):
            return f"division {division.name} {division_id}: {wrong}"
    return ""


def _of_venture(get: Get, venture_id: str, venture: Venture, world: World) -> str:
    shown = get(f"/api/ventures/{venture_id}")
    read = (shown["name"], shown["workspace"], shown["status"], shown["version"], set(shown["available_actions"]))
    standing = venture.standing["setup"]
    has = (
        venture.name,
        venture.workspace,
        3 if venture.is_archived else 1,
        standing.version,
        actions("setup", standing),
    )
    if read != has:
        return f"{read} is shown, {has} it is"
    divisions = get(f"/api/ventures/{venture_id}/divisions?limit=500")
    names = {shown["name"]: shown["id"] for shown in divisions["divisions"]}
    if names != venture.divisions:
        return f"the divisions {names} are shown, {venture.divisions} they are"
    if wrong := _of_process("discovery", divisions["process"], venture.standing["discovery"]):
        return wrong
    status = get(f"/api/ventures/{venture_id}/status")["divisions"]
    for name, of in status.items():
        division = world.divisions[names[name]]
        standing = division.standing[of["process"].removesuffix("_division")]
        if of["state"] != standing.state or of["health"] not in division.health():
            return f"its status shows {of} of {name}, which is {standing.state} and {division.health()}"
    return "" if set(status) == set(names) else f"its status has {set(status)}"


def _of_process(path: str, shown: dict[str, Any], standing: Standing) -> str:
    read = (shown["state"], shown["version"], shown["iteration"], set(shown["available_actions"]))
    has = (standing.state, standing.version, standing.iteration, actions(path, standing))
    return "" if read == has else f"{path}: {read} is shown, {has} it is"


def _of_division(get: Get, division_id: str, division: Division) -> str:
    shown = get(f"/api/divisions/{division_id}")["division"]
    for path, name in PROCESSES.items():
        if wrong := _of_process(path, shown["processes"][name], division.standing[path]):
            return wrong
    if shown["health"] not in division.health():
        return f"health {shown['health']} is shown, {division.health()} it is"
    has = {
        "designs": {"aggregate": len(division.aggregates), "event": len(division.events)},
        "plans": {
            "desk": len(division.desks),
            "dependency": sum(map(len, division.needs.values())),
            "sequence": len(division.sequences),
        },
        "monitoring": {"check": len(division.checks), "incident": len(division.incidents)},
        "rescues": {
            "diagnosis": len(division.diagnoses),
            "fix": len(division.fixes),
            "escalation": len(division.escalations),
        },
    }
    for path, counts in has.items():
        listed = get(f"/api/divisions/{division_id}/{path}?limit=500")
        kinds = Counter(item["kind"] for item in listed[path])
        if any(kinds[kind] != count for kind, count in counts.items()):
            return f"{path} lists {dict(kinds)}, there are {counts}"
        if path == "monitoring" and len(listed["open_incidents"]) != len(division.open_incidents()):
            return f"{listed['open_incidents']} are shown as open"
    return ""
