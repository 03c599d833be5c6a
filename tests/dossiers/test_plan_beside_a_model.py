"""Planning in any order of commands, beside a model of sets: no cycle, and no order against a dependency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from hecate.dossiers.dossier import Dossier
from hecate.dossiers.errors import Refused
from hecate.dossiers.messages import Command, Event
from hecate.plan_division import PROCESS, inventory_desk, plan_dependency, sequence_desks
from hecate.plan_division.desk_order import against_dependency, order_desks, path_between
from hecate.plan_division.inventory_desk import DeskInventoried, InventoryDesk, Priority
from hecate.plan_division.plan_dependency import DependencyPlanned, PlanDependency
from hecate.plan_division.sequence_desks import DesksSequenced, SequenceDesks

NAMES = tuple("abcdefgh")
PRIORITIES: tuple[Priority, ...] = ("P0", "P1", "P2", "P3")
DECIDE: dict[type[Command], Callable[[Dossier, Any], Sequence[Event]]] = {
    InventoryDesk: inventory_desk.decide,
    PlanDependency: plan_dependency.decide,
    SequenceDesks: sequence_desks.decide,
}

Needs = dict[str, set[str]]


def reachable(start: str, needs: Needs) -> set[str]:
    """Return all that *start* needs, near and far."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def by_urgency(priorities: dict[str, str], needs: Needs) -> list[str]:
    """Return the promised order, found the slow way: of the desks that may come next, the most urgent."""
    urgency = {
        desk: min(
            priority for other, priority in priorities.items() if other == desk or desk in reachable(other, needs)
        )
        for desk in priorities
    }
    ordered: list[str] = []
    while len(ordered) < len(priorities):
        ready = [desk for desk in priorities if desk not in ordered and needs.get(desk, set()) <= set(ordered)]
        ordered.append(min(ready, key=lambda desk: urgency[desk]))
    return ordered


class Plan(RuleBasedStateMachine):
    """One plan: its dossier, and what a model of sets says of it."""

    def __init__(self) -> None:
        super().__init__()
        self.dossier = Dossier(PROCESS, "div-1", "v-1")
        self.priorities: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.needs: Needs = {}
        self.sequences: list[tuple[tuple[str, ...], int]] = []

    def give(self, command: Command) -> list[Event]:
        """Give *command* and record what it decides."""
        self.dossier.next_id = f"{self.dossier.version:04}"
        events = list(DECIDE[type(command)](self.dossier, command))
        for event in events:
            self.dossier.record(event, 1)
        return events

    def is_refused(self, command: Command, why: str) -> str:
        """Check that *command* is refused, and return the sentence."""
        version = self.dossier.version
        with pytest.raises(Refused, match=why) as refusal:
            self.give(command)
        assert self.dossier.version == version
        return str(refusal.value)

    @rule(name=st.sampled_from(NAMES), priority=st.sampled_from(PRIORITIES))
    def inventory(self, name: str, priority: Priority) -> None:
        """Plan a desk: its name is new, or it is refused."""
        command = InventoryDesk(desk_name=name, priority=priority)
        if name in self.priorities:
            self.is_refused(command, "in the plan already")
            return
        (desk,) = self.give(command)
        assert isinstance(desk, DeskInventoried)
        assert desk.desk_id not in self.ids.values()
        self.priorities[name], self.ids[name], self.needs[name] = priority, desk.desk_id, set()

    @rule(needing=st.sampled_from(NAMES), needed=st.sampled_from(NAMES), by_id=st.booleans())
    def depend(self, needing: str, needed: str, *, by_id: bool) -> None:
        """Plan a dependency: refused where it is unknown, of itself, known, or would close a cycle."""
        references = [self.ids.get(name, name) if by_id else name for name in (needing, needed)]
        command = PlanDependency(*references)
        if not {needing, needed} <= set(self.priorities):
            self.is_refused(command, "not in the plan")
        elif needing == needed:
            self.is_refused(command, "cannot depend on itself")
        elif needed in self.needs[needing]:
            self.is_refused(command, "already")
        elif needing in reachable(needed, self.needs):
            self.is_a_cycle(self.is_refused(command, "cycle"), needing, needed)
        else:
            (dependency,) = self.give(command)
            assert isinstance(dependency, DependencyPlanned)
            assert (dependency.from_desk, dependency.to_desk) == (needing, needed)
            self.needs[needing].add(needed)

    def is_a_cycle(self, sentence: str, needing: str, needed: str) -> None:
        """Check that the way which *sentence* shows is one, closed by the dependency that was refused."""
        way = sentence.rpartition("the cycle ")[2].split(" -> ")
        assert (way[0], way[1], way[-1]) == (needing, needed, needing)
        assert all(following in self.needs[desk] for desk, following in pairwise(way[1:]))

    @rule(order=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), sprint=st.integers(1, 2), by_id=st.booleans())
    def sequence(self, order: list[str], sprint: int, *, by_id: bool) -> None:
        """Give an order: refused with an unknown desk, one named twice, or one before what it needs."""
        references = tuple(self.ids.get(name, name) if by_id else name for name in order)
        command = SequenceDesks(
            desk_ids=references if by_id else (), desk_names=() if by_id else references, sprint_number=sprint
        )
        if not set(order) <= set(self.priorities):
            self.is_refused(command, "not in the plan")
        elif len(set(order)) < len(order):
            self.is_refused(command, "named twice")
        elif any(not self.needs[desk] <= self.built_before(order, at) for at, desk in enumerate(order)):
            self.is_refused(command, "not sequenced before it")
        else:
            self.is_sequenced(tuple(order), sprint, self.give(command))

    def built_before(self, order: list[str], at: int) -> set[str]:
        """Return what is built by the time that the desk at *at* of *order* is."""
        earlier = {name for names, _ in self.sequences for name in names}
        return earlier - set(order) | set(order[:at])

    @precondition(lambda self: self.priorities)
    @rule(sprint=st.integers(1, 2))
    def sequence_by_urgency(self, sprint: int) -> None:
        """Let the daemon order: all desks, the most urgent first, each after what it needs; never refused."""
        order = tuple(by_urgency(self.priorities, self.needs))
        self.is_sequenced(order, sprint, self.give(SequenceDesks(sprint_number=sprint)))

    def is_sequenced(self, order: tuple[str, ...], sprint: int, events: list[Event]) -> None:
        """Check that *events* are the sequence, or none where it is in force already."""
        if self.sequences and self.sequences[-1] == (order, sprint):
            assert events == []
            return
        (sequence,) = events
        assert isinstance(sequence, DesksSequenced)
        assert (sequence.desk_names, sequence.sprint_number) == (order, sprint)
        assert sequence.desk_ids == tuple(self.ids[name] for name in order)
        self.sequences.append((order, sprint))


TestPlan = Plan.TestCase
TestPlan.settings = settings(max_examples=60, stateful_step_count=40)


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, str], Needs]:
    """Return desks with priorities, and needs without a cycle."""
    names = draw(st.permutations(NAMES))
    priorities: dict[str, str] = {name: draw(st.sampled_from(PRIORITIES)) for name in names}
    ranks = draw(st.permutations(NAMES))
    needs = {name: set(draw(st.lists(st.sampled_from(ranks[:at])))) if at else set() for at, name in enumerate(ranks)}
    return priorities, needs


@given(plans())
def test_the_order_is_the_promised_one(plan: tuple[dict[str, str], Needs]) -> None:
    """Fast and slow agree, and the order is against no dependency, whatever was done before."""
    priorities, needs = plan
    order = order_desks(priorities, needs)
    assert order == by_urgency(priorities, needs)
    assert against_dependency(order, needs, set()) is None
    assert against_dependency(order, needs, set(order)) is None


@given(plans(), st.permutations(NAMES), st.sets(st.sampled_from(NAMES)))
def test_an_order_against_a_dependency_is_found(
    plan: tuple[dict[str, str], Needs], order: list[str], done: set[str]
) -> None:
    """The first desk that comes too early is named with one that it needs and that is not there before it."""
    _, needs = plan
    wrong = against_dependency(order, needs, done)
    early = [desk for at, desk in enumerate(order) if not needs[desk] <= set(order[:at])]
    if wrong is None:
        assert early == []
    else:
        desk, needed = wrong
        assert desk == early[0]
        assert needed in needs[desk]
        assert order.index(needed) > order.index(desk)


@given(plans(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_a_way_is_found_where_there_is_one(plan: tuple[dict[str, str], Needs], start: str, goal: str) -> None:
    """Along the needs, without a detour; from a desk to itself it has no step."""
    _, needs = plan
    way = path_between(start, goal, needs)
    if start != goal and goal not in reachable(start, needs):
        assert way == []
        return
    assert (way[0], way[-1]) == (start, goal)
    assert len(set(way)) == len(way)
    assert all(following in needs[desk] for desk, following in pairwise(way))
