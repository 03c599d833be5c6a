"""What may be asked of the model's world, and what follows: the rules of the specification as pure functions.

A call may be wrong in several ways at once; which of them is told is the daemon's choice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.faults.domain_model import DIVISION_NOUNS, NOUNS, Division, Standing, World
from tests.faults.domain_model_commands import RULES, Events, Refused

OWN_ACTIONS = {
    "setup": ("archive", "workspace"),
    "discovery": ("discover", "propose"),
    "design": ("aggregate", "event", "accept", "propose"),
    "plan": ("desk", "dependency", "sequence", "accept", "propose"),
    "generate": ("skeleton", "desk"),
    "test": ("suite", "result"),
    "deploy": ("release", "rollout", "rollback", "service/start", "service/stop", "service/restart"),
    "monitor": ("check", "status", "incident", "close", "objective", "retire"),
    "rescue": ("diagnose", "fix", "escalate"),
}
"""What each process takes while it is active, besides the lifecycle's own."""
COMES_AFTER = dict(zip(tuple(DIVISION_NOUNS)[1:6], tuple(DIVISION_NOUNS)[:5], strict=True))
"""Which process must be completed first where the gates are strict; anyone may begin a design or a rescue."""

UNHEARD_OF = "unheard_of"
"""A field that no command has; it is ignored, and named in the warnings."""


class Call(NamedTuple):
    """A command, as it goes to the daemon."""

    process: str
    verb: str
    """Empty for what sets up a venture."""
    subject_id: str
    body: dict[str, Any]
    key: str = ""
    expected_version: int | None = None
    is_wrong: bool = False
    """Whether the body is no object at all."""

    @property
    def path(self) -> str:
        """Where it is sent."""
        if self.process == "setup":
            return "/".join(part for part in ("/api/ventures", self.subject_id, self.verb) if part)
        of = "divisions" if self.process in DIVISION_NOUNS else "ventures"
        return f"/api/{of}/{self.subject_id}/{self.process}/{self.verb}"

    @property
    def stream(self) -> str:
        """Where its events are."""
        return f"{NOUNS[self.process]}-{self.subject_id}"


class Verdict(NamedTuple):
    """What must come of a call."""

    errors: frozenset[tuple[int, str]]
    """Any of these; empty: it is taken."""
    events: Events
    """What is appended if it is taken, in whichever order."""
    warns: bool = False
    """Whether it is said that another process should come first."""


def actions(process: str, standing: Standing) -> set[str]:
    """Return what a process takes now."""
    state = standing.state
    if process == "setup":
        return set(OWN_ACTIONS["setup"]) if state == "setup" else set()
    taken = {
        "pending": {"start"},
        "active": {"pause", "complete", "archive", *OWN_ACTIONS[process]},
        "paused": {"resume", "archive"},
        "completed": {"archive"},
        "archived": set[str](),
    }[state]
    if state == "completed" and (standing.is_reopened or process in {"monitor", "rescue"}):
        taken |= {"start"}
    # What outlives the process that has begun it may be ended, and an application runs on when its deployment is done.
    if process == "monitor" and state != "pending":
        taken |= {"close"}
    if process == "deploy" and state != "pending":
        taken |= {"service/stop"}
    if process == "deploy" and state == "completed":
        taken |= {"service/start", "service/restart"}
    return taken


def verdict(world: World, call: Call) -> Verdict:
    """Return what must come of *call* now."""
    errors: set[tuple[int, str]] = set()
    body = {name: value for name, value in call.body.items() if name != UNHEARD_OF}
    if call.is_wrong:
        errors.add((400, "validation_error"))
    if not call.verb:
        known = {"name": body.get("name"), "brief": body.get("brief", "")}
        return Verdict(frozenset(errors), [("venture_setup_v1", known)])
    subject = world.subject(call.process, call.subject_id)
    if subject is None:
        return Verdict(frozenset({*errors, (404, "not_found")}), [])
    standing = subject.standing[call.process]
    if call.expected_version not in {None, standing.version}:
        errors.add((412, "conflict"))
    if call.verb not in actions(call.process, standing):
        errors.add((409, "invalid_state"))
    is_early = call.verb == "start" and isinstance(subject, Division) and not _may_start(subject, call.process)
    if is_early and world.strict:
        errors.add((409, "gate_closed"))
    events: Events = []
    if not call.is_wrong:
        try:
            events = _moved(call, standing) or RULES[call.process, call.verb](subject, body)
        except Refused:
            errors.add((409, "conflict"))
    return Verdict(frozenset(errors), events, is_early and not world.strict)


def _may_start(division: Division, process: str) -> bool:
    before = COMES_AFTER.get(process)
    return before is None or division.standing[before].state == "completed"


def _moved(call: Call, standing: Standing) -> Events:
    """Return the lifecycle's own event, if it is one of its own commands."""
    noun, reason = NOUNS[call.process], {"reason": call.body.get("reason", "")}
    if call.process == "setup":
        return []
    moved: dict[str, Events] = {
        "start": [(f"{noun}_started_v1", {"iteration": standing.iteration + 1})],
        "pause": [(f"{noun}_paused_v1", reason)],
        "resume": [(f"{noun}_resumed_v1", {})],
        "complete": [(f"{noun}_completed_v1", {})],
        "archive": [(f"{noun}_archived_v1", reason)],
    }
    return moved.get(call.verb, [])
