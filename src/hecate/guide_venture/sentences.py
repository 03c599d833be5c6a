"""What has happened, said in a sentence.

Processes meet by stored names, and so does this page: a kind of event that has no sentence here is told by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Fields = Mapping[str, Any]
"""Those of an event, as they are stored."""

LONGEST = 200
"""Characters of a reason or a description that are shown."""
MOST_NAMES = 5
"""Of a list that are named."""

_VERSION = re.compile(r"_v\d+$")
_LIFECYCLE = re.compile(r"(?P<noun>[a-z]+)_(?P<verb>started|paused|resumed|completed|archived)")
_TELLING: Final = ("name", "title", "version", "outcome", "status", "reason", "description")
"""The fields, or ends of their names, that tell most of an event that has no sentence."""


def sentence(stored_name: str, fields: Fields, names: Mapping[str, str]) -> str:
    """Return what an event says, without the division that it is about.

    Args:
        stored_name: Such as ``incident_raised_v1``.
        fields: The event's.
        names: What checks and incidents are called, by their ids.
    """
    kind = _VERSION.sub("", stored_name)
    say = _SENTENCES.get(kind)
    try:
        if say is not None:
            return say(fields, names)
    except (KeyError, TypeError):
        # Of a version that this page does not know, with other fields.
        pass
    lifecycle = _LIFECYCLE.fullmatch(kind)
    return _moved(lifecycle["noun"], lifecycle["verb"], fields) if lifecycle else _by_name(kind, fields)


def _moved(noun: str, verb: str, fields: Fields) -> str:
    if verb == "started" and fields.get("iteration", 1) > 1:
        return f"{noun} started again, iteration {fields['iteration']}"
    return f"{noun} {verb}{_because(fields.get('reason'))}"


def _by_name(kind: str, fields: Fields) -> str:
    words = kind.replace("_", " ")
    told = next((fields[name] for ending in _TELLING for name in fields if name.endswith(ending) and fields[name]), "")
    return f"{words}: {one_line(str(told))}" if told else words


def _because(reason: Any) -> str:
    return f": {one_line(reason)}" if reason else ""


def one_line(text: str) -> str:
    """Return *text* in one line of at most `LONGEST` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _called(names: Mapping[str, str], id_: str) -> str:
    return repr(one_line(names[id_])) if id_ in names else id_


# -- tests


def _suite_finished(fields: Fields, _names: Mapping[str, str]) -> str:
    suite, outcome, passed, total = (fields[name] for name in ("suite_type", "outcome", "passed", "total"))
    tests = f"{suite} tests"
    if outcome == "passed":
        flaky = f", {len(fields['flaky'])} of them flaky" if fields.get("flaky") else ""
        return f"{tests} passed: {passed} of {total}{flaky}" if total else f"{tests} passed"
    if outcome == "failed":
        first = f", first {one_line(fields['failures'][0]['name'])}" if fields.get("failures") else ""
        return f"{tests} failed: {passed} of {total} passed{first}" if total else f"{tests} failed{first}"
    said = {"error": "could not run", "timed_out": "took too long", "cancelled": "were cancelled"}
    return f"{tests} {said.get(outcome, f'were {outcome}')}{_because(fields.get('reason'))}"


# -- generate


def _generated(what: str, fields: Fields) -> str:
    conflicts = len(fields.get("conflicts", ()))
    left = f"; {_counted(conflicts, 'changed file')} left as {'it is' if conflicts == 1 else 'they are'}"
    return f"{what} generated: {_counted(len(fields['files']), 'file')}{left if conflicts else ''}"


# -- deploy


def _deployed(fields: Fields, _names: Mapping[str, str]) -> str:
    target = f" on {fields['target']}" if fields.get("target") else ""
    before = f", after {fields['previous_version']}" if fields.get("previous_version") else ""
    return f"release {fields['version']} is live{target}{before}"


def _rolled_back(fields: Fields, _names: Mapping[str, str]) -> str:
    to = f"back to release {fields['to_version']}" if fields["to_version"] else "taken off, with none before it"
    return f"release {fields['from_version']} rolled {to}{_because(fields.get('reason'))}"


# -- monitor


def _registered(fields: Fields, _names: Mapping[str, str]) -> str:
    return f"check {fields['name']!r} registered: {fields['type']} {one_line(fields['target'])}"


def _objective(fields: Fields, names: Mapping[str, str]) -> str:
    of = f" of check {_called(names, fields['check_id'])}" if fields["check_id"] else ""
    return f"availability{of} is to be {fields['availability_percent']:g} % over {fields['window']}"


_SENTENCES: Final[Mapping[str, Callable[[Fields, Mapping[str, str]], str]]] = {
    "venture_setup": lambda f, _: f"venture {f['name']!r} set up",
    "venture_archived": lambda f, _: f"venture archived{_because(f.get('reason'))}",
    "workspace_assigned": lambda f, _: f"workspace is {f['workspace']}",
    "division_discovered": lambda f, _: f"division {f['division_name']!r} discovered",
    "divisions_proposed": lambda f, _: f"{f['model']} proposed {_counted(len(f['divisions']), 'division')}",
    "design_proposed": lambda f, _: (
        f"{f['model']} proposed {_counted(len(f['aggregates']), 'aggregate')} and {_counted(len(f['events']), 'event')}"
    ),
    "plan_proposed": lambda f, _: f"{f['model']} proposed {_counted(len(f['desks']), 'desk')}",
    "aggregate_designed": lambda f, _: f"aggregate {f['aggregate_name']!r} designed",
    "event_designed": lambda f, _: (
        f"event {f['event_name']!r} of {f['aggregate_name']!r} designed"
        if f.get("aggregate_name")
        else f"event {f['event_name']!r} designed"
    ),
    "desk_inventoried": lambda f, _: f"desk {f['desk_name']!r} planned: {f['desk_type']}, {f['priority']}",
    "dependency_planned": lambda f, _: f"desk {f['from_desk']!r} needs {f['to_desk']!r}",
    "desks_sequenced": lambda f, _: f"sprint {f['sprint_number']} is {_some(f['desk_names'])}",
    "skeleton_generated": lambda f, _: _generated("skeleton", f),
    "desk_generated": lambda f, _: _generated(f"desk {f['desk_name']!r}", f),
    "test_suite_started": lambda f, _: f"{f['suite_type']} tests started",
    "test_suite_finished": _suite_finished,
    "test_result_recorded": lambda f, _: (
        f"{f['suite_type']} tests ran elsewhere: {f['passed']} passed, {f['failed']} failed"
    ),
    "release_begun": lambda f, _: f"release {f['version']} is being made",
    "release_deployed": _deployed,
    "release_failed": lambda f, _: f"release {f['version']} failed at {f['stage']}{_because(f.get('reason'))}",
    "release_rolled_back": _rolled_back,
    "rollout_staged": lambda f, _: f"release {f['version']} rolled out to {f['percentage']:g} % ({f['stage']})",
    "application_started": lambda f, _: f"application of release {f['version']} started on port {f['port']}",
    "application_stopped": lambda f, _: f"application stopped{_because(f.get('reason'))}",
    "application_failed": lambda f, _: f"application failed{_because(f.get('reason'))}",
    "health_check_registered": _registered,
    "health_check_retired": lambda f, n: f"check {_called(n, f['check_id'])} retired{_because(f.get('reason'))}",
    "health_status_recorded": lambda f, n: (
        f"check {_called(n, f['check_id'])} is {f['status']}{_because(f.get('message'))}"
    ),
    "objective_set": _objective,
    "incident_raised": lambda f, _: f"incident {one_line(f['title'])!r} raised, {f['severity']}",
    "incident_closed": lambda f, n: f"incident {_called(n, f['incident_id'])} closed{_because(f.get('reason'))}",
    "incident_diagnosed": lambda f, n: (
        f"incident {_called(n, f['incident_id'])} diagnosed{_because(f.get('root_cause') or f.get('diagnosis'))}"
    ),
    "fix_applied": lambda f, n: f"fix of {_called(n, f['incident_id'])} applied{_because(f.get('description'))}",
    "fix_failed": lambda f, n: f"fix of {_called(n, f['incident_id'])} failed{_because(f.get('reason'))}",
    "redesign_escalated": lambda f, _: f"redesign asked for{_because(f.get('reason'))}",
}
"""By the stored name without its version."""
