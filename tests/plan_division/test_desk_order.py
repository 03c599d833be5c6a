"""The order of desks: by priority, and never against a dependency."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from hecate.plan_division.desk_order import against_dependency, order_desks, path_between


@pytest.mark.parametrize(
    ("priorities", "needs", "order"),
    [
        ({}, {}, []),
        ({"a": "P2", "b": "P0", "c": "P1"}, {}, ["b", "c", "a"]),
        ({"a": "P1", "b": "P1", "c": "P1"}, {}, ["a", "b", "c"]),
        ({"a": "P0", "b": "P3"}, {"a": {"b"}}, ["b", "a"]),
        ({"a": "P0", "b": "P3", "c": "P1"}, {"a": {"b"}}, ["b", "a", "c"]),
        ({"a": "P3", "b": "P2", "c": "P1", "d": "P0"}, {"d": {"a"}, "a": {"b"}}, ["b", "a", "d", "c"]),
    ],
)
def test_what_an_urgent_desk_needs_is_urgent_too(
    priorities: Mapping[str, str], needs: Mapping[str, set[str]], order: list[str]
) -> None:
    """Equals keep the order of the inventory."""
    assert order_desks(priorities, needs) == order


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Draw desks with priorities, and dependencies without a cycle."""
    names = [f"d{number}" for number in range(draw(st.integers(0, 12)))]
    priorities = {name: draw(st.sampled_from(["P0", "P1", "P2", "P3"])) for name in names}
    needs = {
        name: draw(st.sets(st.sampled_from(names[:place]))) if place else set() for place, name in enumerate(names)
    }
    shuffled = draw(st.permutations(names))
    return {name: priorities[name] for name in shuffled}, needs


@given(plans())
def test_every_order_holds(plan: tuple[dict[str, str], dict[str, set[str]]]) -> None:
    """Each desk once, after all that it needs; and of two that do not need each other, the more urgent is first."""
    priorities, needs = plan
    order = order_desks(priorities, needs)
    assert sorted(order) == sorted(priorities)
    assert against_dependency(order, needs, set()) is None
    if not any(needs.values()):
        assert [priorities[name] for name in order] == sorted(priorities.values())


@given(plans())
def test_a_way_leads_along_what_is_needed(plan: tuple[dict[str, str], dict[str, set[str]]]) -> None:
    """Each step is a dependency; without a way there is none."""
    _, needs = plan
    for start in needs:
        for goal in needs:
            way = path_between(start, goal, needs)
            assert all(needed in needs[desk] for desk, needed in pairwise(way))
            assert not way or (way[0], way[-1]) == (start, goal)
            assert way or goal not in needs[start]


def test_the_shortest_way_is_found() -> None:
    """So that a cycle is shown as short as it is."""
    needs = {"a": {"b", "c"}, "b": {"d"}, "c": {"e"}, "e": {"d"}, "d": set[str]()}
    assert path_between("a", "d", needs) == ["a", "b", "d"]
    assert path_between("d", "a", needs) == []
    assert path_between("a", "a", needs) == ["a"]


@pytest.mark.parametrize(
    ("order", "done", "wrong"),
    [
        (["b", "a"], set(), None),
        (["a", "b"], set(), ("a", "b")),
        (["a"], set(), ("a", "b")),
        (["a"], {"b"}, None),
        (["a", "b"], {"b"}, ("a", "b")),
    ],
)
def test_an_order_against_a_dependency_is_seen(order: list[str], done: set[str], wrong: tuple[str, str] | None) -> None:
    """``a`` needs ``b``, which must come before it, in this order or in an earlier sprint."""
    assert against_dependency(order, {"a": {"b"}}, done) == wrong
