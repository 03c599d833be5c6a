"""Random programs for the daemon and its model: what eight clients ask, when it is killed, from one seed.

A program names things by number, such as the second venture or the first incident, so that any part of it is a
program, too: it can be made smaller until only what matters is left.
"""

from __future__ import annotations

import random
from typing import Any, Literal, NamedTuple

from tests.faults.domain_model import DIVISION_NOUNS, NOUNS, World
from tests.faults.domain_model_rules import UNHEARD_OF, Call

CLIENTS = 8
LIFECYCLE = ("start",) * 6 + ("resume",) * 5 + ("pause", "pause", "complete", "complete")
NAMES = ("auth", "billing", "orders", "stock")
DESKS = tuple("abcd")
FAVOURED = {
    "plan": ("desk", "desk", "dependency", "dependency", "dependency"),
    "monitor": ("check", "status", "status", "status", "incident"),
}
"""What is asked for more often, since much must come together until it matters."""
NOBODY = 9
"""The number of a venture, a division or an incident that is never there."""

Kind = Literal["together", "contest", "kill", "restart"]
KINDS: tuple[Kind, ...] = ("together", "contest", "kill", "restart")


class Ref(NamedTuple):
    """An id that is known only when the program runs: that of the check or incident of that number."""

    kind: Literal["check", "incident"]
    number: int


class Step(NamedTuple):
    """A command, without the ids."""

    process: str
    verb: str
    number: int
    """Of the venture or of the division."""
    body: dict[str, Any]
    key: int | None = None
    version: Literal["any", "right", "wrong"] = "any"
    is_wrong: bool = False


class Batch(NamedTuple):
    """What is sent at once, each step by a client of its own; ``kill`` kills the daemon meanwhile.

    A ``contest`` is one step by all of them.
    """

    kind: Kind
    steps: tuple[Step, ...] = ()


Program = tuple[Batch, ...]


def program(seed: int, *, batches: int) -> Program:
    """Return a program; two ventures with some divisions come first, since nothing happens without."""
    dice = random.Random(seed)
    begun: list[Batch] = [
        Batch("together", tuple(Step("setup", "", 0, {"name": name}) for name in ("one", "two"))),
        Batch("together", tuple(Step("discovery", "start", number, {}) for number in (0, 1))),
        Batch(
            "together",
            tuple(Step("discovery", "discover", of, {"division_name": dice.choice(NAMES)}) for of in (0, 0, 1)),
        ),
    ]
    # Few processes at a time, so that something comes of them.
    favourites = dice.sample(tuple(DIVISION_NOUNS), 3)
    if dice.random() < 0.5:
        favourites = ["monitor", "rescue", dice.choice(favourites)]
    begun += [
        Batch("contest", (Step(process, "start", number, {}),))
        for process in favourites
        for number in (0, 1)
        if process != "rescue" or dice.random() < 0.3  # an incident starts it
    ]
    keyed: list[Step] = []
    for _ in range(batches):
        kind = dice.choices(KINDS, weights=(60, 18, 9, 1))[0]
        if kind == "restart":
            begun.append(Batch("restart"))
            continue
        steps = [_step(dice, favourites, keyed) for _ in range(1 if kind == "contest" else CLIENTS)]
        begun.append(Batch(kind, tuple(steps)))
    return tuple(begun)


def _step(dice: random.Random, favourites: list[str], keyed: list[Step]) -> Step:
    """Return a step, now and then one that was there before, with its idempotency key."""
    if keyed and dice.random() < 0.08:
        step = dice.choice(keyed)
        # Sometimes the key comes back with another body.
        return step if dice.random() < 0.7 else step._replace(body={**step.body, UNHEARD_OF: 1})
    process = dice.choice((*favourites, *favourites, *favourites, "discovery", dice.choice(tuple(NOUNS))))
    number = NOBODY if dice.random() < 0.03 else dice.choice((0, 0, 0, 0, 1, 2))
    own = OWN.get(process)
    verb, body = _own(dice, process) if own and dice.random() < 0.75 else _lifecycle(dice, process)
    step = Step(process, verb, number, body)
    if dice.random() < 0.04:
        return step._replace(is_wrong=True)
    if dice.random() < 0.15 and verb:
        return step._replace(version=dice.choice(("right", "right", "wrong")))
    if dice.random() < 0.15:
        step = step._replace(key=dice.randrange(100))
        keyed.append(step)
    return step


def _lifecycle(dice: random.Random, process: str) -> tuple[str, dict[str, Any]]:
    if process == "setup":
        return _own(dice, process)
    verb = dice.choice(LIFECYCLE)
    if dice.random() < 0.02:
        verb = "archive"
    return verb, {"reason": "rain"} if verb in {"pause", "archive"} and dice.random() < 0.5 else {}


def _own(dice: random.Random, process: str) -> tuple[str, dict[str, Any]]:
    """Return one of the process's own commands, and what may be said with it."""
    verbs = tuple(OWN[process])
    verb = dice.choice((*verbs, *FAVOURED.get(process, ())))
    fields = {name: dice.choice(values) for name, values in OWN[process][verb].items()}
    return verb, {name: value for name, value in fields.items() if value is not None}


_INCIDENT = tuple(Ref("incident", number) for number in (0, 0, 1, 2, NOBODY))
_CHECK = tuple(Ref("check", number) for number in (0, 0, 1, NOBODY))
_ORDERS = (None, None, list("ab"), list("ba"), list("abc"), list("aa"), list("cd"), list("dcba"))

OWN: dict[str, dict[str, dict[str, tuple[Any, ...]]]] = {
    "setup": {
        "": {"name": ("three", "four"), "brief": (None, "a brief")},
        "workspace": {"workspace": ("", "/nowhere/at-all", "/nowhere/else")},
        "archive": {"reason": (None, "sold")},
    },
    "discovery": {"discover": {"division_name": NAMES, "description": (None, "who is who")}},
    "design": {
        "aggregate": {"aggregate_name": ("user", "order", "item"), "description": (None, "what it is")},
        "event": {"event_name": ("added", "changed", "gone"), "aggregate_name": (None, "user", "order")},
        "accept": {"proposal_id": ("prop-1",)},
    },
    "plan": {
        "desk": {"desk_name": DESKS, "priority": (None, "P0", "P1", "P3")},
        "dependency": {"from_desk": DESKS, "to_desk": DESKS},
        "sequence": {"desk_names": _ORDERS, "sprint_number": (None, None, 2)},
        "accept": {"proposal_id": ("prop-1",)},
    },
    "test": {
        "result": {
            "suite_type": ("unit", "load"),
            "passed": (7, 8),
            "failed": (0, 1),
            "coverage": (None, 50),
            "reference": (None, "ci/1"),
        }
    },
    "deploy": {
        "rollout": {"version": ("1.0.0",), "stage": ("canary",), "percentage": (10, 50)},
        "rollback": {"version": (None, "1.0.0")},
    },
    "monitor": {
        # Nobody answers there, and it is polled too seldom for the threshold: what is recorded comes from the clients.
        "check": {
            "name": ("api", "db"),
            "target": ("http://127.0.0.1:1/",),
            "interval_seconds": (86_400,),
            "failure_threshold": (99, 100),
            "severity": ("sev1", "sev4"),
        },
        "status": {
            "check_id": _CHECK,
            "status": ("healthy", "degraded", "unhealthy", "unhealthy"),
            "latency_ms": (None, 12.5),
            "message": (None, "no answer"),
            "failures_in_a_row": (None, 99, 100),
        },
        "retire": {"check_id": _CHECK},
        "incident": {"title": ("slow", "down", "odd"), "severity": (None, "sev1", "sev2", "sev4")},
        "close": {"incident_id": _INCIDENT, "reason": ("over",)},
        "objective": {"availability_percent": (99, 99.9), "check_id": (None, *_CHECK), "window": (None, "24h")},
    },
    "rescue": {
        "diagnose": {"incident_id": _INCIDENT, "diagnosis": ("two hosts", "one host"), "root_cause": (None, "why")},
        "fix": {"incident_id": _INCIDENT, "description": ("rolled back", "switched off")},
        "escalate": {"reason": ("too slow", "too big"), "aggregates": (None, ["user"])},
    },
}
"""The commands that leave no job, and for each field what it may be; None: it is left out."""


def call_of(step: Step, world: World, prefix: str) -> Call:
    """Return the command that *step* is in *world*; *prefix* makes its idempotency key one of this run's own."""
    subjects = list(world.divisions if step.process in DIVISION_NOUNS else world.ventures)
    subject_id = "" if not step.verb else subjects[step.number] if step.number < len(subjects) else "nobody"
    body = {name: _resolved(value, world, subject_id) for name, value in step.body.items()}
    subject = world.subject(step.process, subject_id)
    version = subject.standing[step.process].version if subject else 0
    return Call(
        step.process,
        step.verb,
        subject_id,
        body,
        key="" if step.key is None else f"{prefix}-{step.key}",
        expected_version={"any": None, "right": version, "wrong": version + 7}[step.version],
        is_wrong=step.is_wrong,
    )


def _resolved(value: Any, world: World, division_id: str) -> Any:
    if not isinstance(value, Ref):
        return value
    division = world.divisions.get(division_id)
    known = list(getattr(division, f"{value.kind}s")) if division else []
    return known[value.number] if value.number < len(known) else f"{value.kind}-nobody"
