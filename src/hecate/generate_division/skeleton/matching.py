"""Which command raises which event: designs and plans name both, and seldom say what belongs together."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from hecate.generate_division.skeleton.design import Design, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.identifiers import EVENT_VERSION, slug
from hecate.generate_division.skeleton.verbs import stems


def raised_events(design: Design) -> dict[str, DesignedEvent]:
    """Return the event that each command desk raises, by the desk's id; a desk may raise none of them.

    It is the event that says that the command was done: ``user_registered`` for ``register_user``, and for
    ``register`` where it is a desk of the aggregate ``user``.  One desk raises it, the first that was planned.
    """
    waiting: dict[frozenset[str], list[DesignedEvent]] = defaultdict(list)
    for event in design.events:
        waiting[_words_of(event)].append(event)
    raised: dict[str, DesignedEvent] = {}
    for desk in design.desks:
        if desk.type == "command":
            candidates = waiting.get(_words_of(desk), [])
            found = next((event for event in candidates if _may_share(desk.aggregate, event.aggregate)), None)
            if found is not None:
                raised[desk.id] = found
                candidates.remove(found)
    return raised


def settled(design: Design, raised: dict[str, DesignedEvent], division: str) -> Design:
    """Return *design* with an aggregate for every event and every command desk.

    What names none has that of its desk or event, and else one called like the division.
    """
    by_event = {event.name: desk_id for desk_id, event in raised.items()}
    by_desk = {desk.id: desk.aggregate for desk in design.desks}
    events = tuple(
        replace(event, aggregate=event.aggregate or by_desk.get(by_event.get(event.name, ""), "") or division)
        for event in design.events
    )
    by_name = {event.name: event.aggregate for event in events}
    desks = tuple(
        desk
        if desk.aggregate or desk.type != "command"
        else replace(desk, aggregate=by_name[raised[desk.id].name] if desk.id in raised else division)
        for desk in design.desks
    )
    return replace(design, events=events, desks=desks)


def _words_of(named: DesignedEvent | PlannedDesk) -> frozenset[str]:
    words = stems(EVENT_VERSION.sub("", slug(named.name, "unnamed")))
    return words | stems(slug(named.aggregate, "unnamed")) if named.aggregate else words


def _may_share(one: str, other: str) -> bool:
    return not one or not other or one == other
