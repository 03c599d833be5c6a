"""The domain in a few sets and dictionaries, written from its specification: what the events make of it.

What may be asked of it, and what follows, is in `domain_model_rules`; here is only what has happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

DIVISION_NOUNS = {
    "design": "design",
    "plan": "plan",
    "generate": "generation",
    "test": "testing",
    "deploy": "deployment",
    "monitor": "monitoring",
    "rescue": "rescue",
}
"""What the events and streams of each of a division's processes are called by, by its path."""
NOUNS = {"setup": "setup", "discovery": "discovery", **DIVISION_NOUNS}
PATHS = {noun: path for path, noun in NOUNS.items()}
REDESIGNED = ("design", "plan", "generate", "test", "deploy")
"""What an escalation opens again; monitor and rescue may be started again anyway."""
WORST = frozenset({"sev1", "sev2"})
MOVES = {"started": "active", "paused": "paused", "resumed": "active", "completed": "completed", "archived": "archived"}


class Divergence(AssertionError):
    """The daemon and the model do not agree."""


class Happened(NamedTuple):
    """An event, as the log has it."""

    position: int
    stream: str
    version: int
    type: str
    data: dict[str, Any]
    policy: str
    """Who has asked for it, if it was the daemon itself; else empty."""


@dataclass
class Standing:
    """Where one process stands."""

    state: str = "pending"
    version: int = 0
    iteration: int = 0
    is_reopened: bool = False
    """Whether its division has been escalated since it was completed."""


@dataclass
class Check:
    """A health check."""

    name: str
    threshold: int
    severity: str
    said: tuple[str, float | None, str] | None = None
    """The last status: what, how fast and why."""
    is_retired: bool = False


@dataclass
class Incident:
    """An incident."""

    title: str
    severity: str
    check_id: str
    is_open: bool = True


@dataclass
class Division:
    """One division, with all that its processes have made."""

    venture_id: str
    name: str
    standing: dict[str, Standing] = field(default_factory=lambda: {path: Standing() for path in DIVISION_NOUNS})
    aggregates: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    desks: dict[str, str] = field(default_factory=dict)
    """The id of each, by its name, in their order."""
    priorities: dict[str, str] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    sequences: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    results: dict[tuple[str, str], tuple[Any, ...]] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    objectives: dict[str, tuple[float, str]] = field(default_factory=dict)
    diagnoses: set[tuple[str, str, str]] = field(default_factory=set)
    fixes: set[tuple[str, str]] = field(default_factory=set)
    escalations: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    rescues_to_start: int = 0
    """Of how many incidents it is not known that the daemon has looked at them, to start the rescue."""
    awaits_rescue: bool = False
    """Whether it must start before long."""

    def open_incidents(self) -> dict[str, Incident]:
        """Return those that are open, by id."""
        return {incident_id: incident for incident_id, incident in self.incidents.items() if incident.is_open}

    def health(self) -> set[str]:
        """Return what its health may be."""
        worst = {incident.severity for incident in self.open_incidents().values()}
        said = {check.said[0] if check.said else "" for check in self.checks.values() if not check.is_retired}
        if worst & WORST:
            return {"down"}
        if worst or said & {"degraded", "unhealthy"}:
            return {"degraded"}
        if "healthy" in said:
            return {"ok"}
        if self.incidents and not said:
            # It is over, and there is nothing that would say otherwise.
            return {"ok"}
        if any(check.is_retired for check in self.checks.values()):
            return {"ok", "unknown"}
        return {"unknown"}

    def fixed_and_open(self) -> set[str]:
        """Return the incidents that a fix has ended, and that are to be closed before long."""
        return {incident_id for incident_id, _ in self.fixes} & set(self.open_incidents())


@dataclass
class Venture:
    """One venture."""

    name: str
    workspace: str
    is_archived: bool = False
    standing: dict[str, Standing] = field(
        default_factory=lambda: {"setup": Standing("setup"), "discovery": Standing()},
    )
    divisions: dict[str, str] = field(default_factory=dict)
    """The id of each, by its name."""


class World:
    """All ventures that were set up since the log was at *position*."""

    def __init__(self, position: int = 0, *, strict: bool = False) -> None:
        self.position = position
        self.strict = strict
        self.ventures: dict[str, Venture] = {}
        self.divisions: dict[str, Division] = {}

    def subject(self, process: str, subject_id: str) -> Venture | Division | None:
        """Return whose *process* is asked for, None where there is nobody of that id."""
        return (self.divisions if process in DIVISION_NOUNS else self.ventures).get(subject_id)

    def apply(self, event: Happened) -> None:
        """Have *event* happen, which comes next in the log and in its stream."""
        noun, _, subject_id = event.stream.partition("-")
        process = PATHS[noun]
        if event.position != self.position + 1:
            raise Divergence(f"after position {self.position} comes {event}")
        self.position = event.position
        if event.type == "venture_setup_v1":
            self.ventures[subject_id] = Venture(event.data["name"], event.data["workspace"])
        subject = self.subject(process, subject_id)
        if subject is None:
            raise Divergence(f"{event} is about nobody")
        standing = subject.standing[process]
        if event.version != standing.version + 1:
            raise Divergence(f"after version {standing.version} comes {event}")
        standing.version = event.version
        move = MOVES.get(event.type.removeprefix(f"{noun}_").removesuffix("_v1"))
        if move and event.type.startswith(f"{noun}_"):
            standing.state, standing.is_reopened = move, False
            standing.iteration += event.type.endswith("_started_v1")
            if process == "rescue" and isinstance(subject, Division) and move != "completed":
                subject.awaits_rescue = False
        elif isinstance(subject, Venture):
            self._of_venture(subject_id, subject, event.type, event.data)
        else:
            _of_division(subject, event.type, event.data)

    def _of_venture(self, venture_id: str, venture: Venture, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case "venture_archived_v1":
                venture.is_archived, venture.standing["setup"].state = True, "archived"
            case "workspace_assigned_v1":
                venture.workspace = data["workspace"]
            case "division_discovered_v1":
                venture.divisions[data["division_name"]] = data["division_id"]
                self.divisions[data["division_id"]] = Division(venture_id, data["division_name"])
            case "venture_setup_v1":
                pass
            case _:
                raise Divergence(f"nothing is known of {kind}")


def _of_division(division: Division, kind: str, data: dict[str, Any]) -> None:
    match kind:
        case "aggregate_designed_v1":
            division.aggregates.add(data["aggregate_name"])
        case "event_designed_v1":
            division.events.add(data["event_name"])
        case "desk_inventoried_v1":
            name = data["desk_name"]
            division.desks[name], division.priorities[name] = data["desk_id"], data["priority"]
            division.needs[name] = set()
        case "dependency_planned_v1":
            division.needs[data["from_desk"]].add(data["to_desk"])
        case "desks_sequenced_v1":
            division.sequences.append((tuple(data["desk_names"]), data["sprint_number"]))
        case "test_result_recorded_v1":
            told = data["passed"], data["failed"], data["coverage"]
            division.results[data["suite_type"], data["reference"]] = told
        case "redesign_escalated_v1":
            division.escalations.add((data["reason"], tuple(data["aggregates"])))
            for process in REDESIGNED:
                standing = division.standing[process]
                standing.is_reopened = standing.state == "completed"
        case "incident_diagnosed_v1":
            division.diagnoses.add((data["incident_id"], data["diagnosis"], data["root_cause"]))
        case "fix_applied_v1":
            division.fixes.add((data["incident_id"], data["description"]))
        case _:
            _of_monitoring(division, kind, data)


def _of_monitoring(division: Division, kind: str, data: dict[str, Any]) -> None:
    match kind:
        case "health_check_registered_v1":
            check = Check(data["name"], data["failure_threshold"], data["severity"])
            division.checks[data["check_id"]] = check
        case "health_check_retired_v1":
            division.checks[data["check_id"]].is_retired = True
        case "health_status_recorded_v1":
            division.checks[data["check_id"]].said = data["status"], data["latency_ms"], data["message"]
        case "incident_raised_v1":
            division.incidents[data["incident_id"]] = Incident(data["title"], data["severity"], data["check_id"])
            if data["severity"] in WORST:
                division.rescues_to_start += 1
                if division.standing["rescue"].state in {"pending", "completed"}:
                    division.awaits_rescue = True
        case "incident_closed_v1":
            division.incidents[data["incident_id"]].is_open = False
        case "objective_set_v1":
            division.objectives[data["check_id"]] = data["availability_percent"], data["window"]
        case _:
            raise Divergence(f"nothing is known of {kind}")
