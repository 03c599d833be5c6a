"""The order of desks: by priority, and never against a dependency."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence, Set as AbstractSet
from graphlib import TopologicalSorter


def path_between(start: str, goal: str, needs: Mapping[str, AbstractSet[str]]) -> list[str]:
    """Return the shortest way from *start* to *goal* along *needs*, both ends included; empty if there is none."""
    came_from: dict[str, str] = {start: ""}
    waiting = deque([start])
    while waiting:
        desk = waiting.popleft()
        if desk == goal:
            way = [desk]
            while came_from[way[-1]]:
                way.append(came_from[way[-1]])
            return way[::-1]
        for needed in sorted(needs.get(desk, ())):
            if needed not in came_from:
                came_from[needed] = desk
                waiting.append(needed)
    return []


def order_desks(priorities: Mapping[str, str], needs: Mapping[str, AbstractSet[str]]) -> list[str]:
    """Return the desks so that each comes after all that it needs, the most urgent first.

    A desk is as urgent as the most urgent desk that needs it; equals keep their order.

    Args:
        priorities: Each desk's priority, ``P0`` first, in the order of the inventory.
        needs: The desks that each desk needs; without a cycle.
    """
    urgency = dict(priorities)
    for desk in reversed(list(TopologicalSorter(needs).static_order())):
        for needed in needs.get(desk, ()):
            urgency[needed] = min(urgency[needed], urgency[desk])
    place = {desk: number for number, desk in enumerate(priorities)}

    sorter = TopologicalSorter({desk: needs.get(desk, ()) for desk in priorities})
    sorter.prepare()
    ready: list[tuple[str, int, str]] = []
    ordered: list[str] = []
    while sorter.is_active():
        for desk in sorter.get_ready():
            heapq.heappush(ready, (urgency[desk], place[desk], desk))
        _, _, desk = heapq.heappop(ready)
        ordered.append(desk)
        sorter.done(desk)
    return ordered


def against_dependency(
    order: Sequence[str], needs: Mapping[str, AbstractSet[str]], done: AbstractSet[str]
) -> tuple[str, str] | None:
    """Return the first desk of *order* that comes before one it needs, with that one, or None.

    Args:
        order: Names of desks.
        needs: The desks that each desk needs.
        done: Desks that were sequenced before, wherever they are in *order* now.
    """
    seen: set[str] = set(done) - set(order)
    for desk in order:
        for needed in sorted(needs.get(desk, ())):
            if needed not in seen:
                return desk, needed
        seen.add(desk)
    return None
