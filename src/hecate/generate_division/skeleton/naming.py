"""From a design to a `Project`: every name made fit for use, and every desk given its event and its aggregate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set as AbstractSet

from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.identifiers import (
    CLASSES,
    EVENT_VERSION,
    FIELDS,
    MODULES,
    PACKAGES,
    Names,
    class_name,
    slug,
)
from hecate.generate_division.skeleton.matching import raised_events, settled
from hecate.generate_division.skeleton.project import (
    Aggregate,
    CommandDesk,
    Event,
    Field,
    FieldType,
    Flag,
    Project,
    ProjectionDesk,
    QueryDesk,
)
from hecate.generate_division.skeleton.stream_names import stream_parts
from hecate.generate_division.skeleton.verbs import happened, stems

TYPES: Mapping[str, FieldType] = {
    **dict.fromkeys(("int", "integer"), "int"),
    **dict.fromkeys(("float", "number", "decimal", "double"), "float"),
    **dict.fromkeys(("bool", "boolean"), "bool"),
}
"""What may stand behind a payload field's name and a colon; everything else is text."""

LONGEST_PACKAGE = 24

StoredNames = defaultdict[str, Names]
"""Of each version, the names that its events have taken."""


def name_project(design: Design, kept_apart: AbstractSet[str] = frozenset()) -> Project:
    """Return *design* with names that can be used, the same for the same design.

    Args:
        design: As it was designed and planned.
        kept_apart: Names of events that have a file of their own although a desk raises them.
    """
    division = slug(design.division, "division", LONGEST_PACKAGE)
    raised = raised_events(design)
    design = settled(design, raised, division)
    aggregates = _aggregates(design)
    stored: StoredNames = defaultdict(Names)
    modules, claimed = Names(MODULES), {event.name for event in raised.values()}
    events = {
        event.name: _event(
            event,
            aggregates[event.aggregate],
            stored,
            module=modules.take(_base_of(event.name)),
            has_file=event.name not in claimed or event.name in kept_apart,
        )
        for event in design.events
    }
    module_of = dict(_desk_modules(design.desks))
    projections = {
        desk.id: ProjectionDesk(**_described(desk, module_of), aggregate=aggregates.get(desk.aggregate))
        for desk in design.desks
        if desk.type == "projection"
    }
    commands = tuple(
        _command(desk, module_of, aggregates, events[raised[desk.id].name] if desk.id in raised else None, stored)
        for desk in design.desks
        if desk.type == "command"
    )
    return Project(
        folder=design.project,
        package=Names(PACKAGES, "_app").take(division),
        distribution=_distribution(design.venture, design.division),
        venture=design.venture,
        division=design.division,
        aggregates=tuple(aggregates.values()),
        events=tuple(event for event in events.values() if event.has_file),
        commands=commands,
        projections=tuple(projections.values()),
        queries=tuple(
            _query(desk, module_of, aggregates, projections) for desk in design.desks if desk.type == "query"
        ),
    )


# -- aggregates


def _aggregates(design: Design) -> dict[str, Aggregate]:
    """Return the designed aggregates, and those that only events and desks speak of, by their names in the design."""
    designed = {aggregate.name: aggregate for aggregate in design.aggregates}
    spoken_of = [*(event.aggregate for event in design.events), *(desk.aggregate for desk in design.desks)]
    for name in filter(None, spoken_of):
        designed.setdefault(name, DesignedAggregate(name=name))
    modules = Names(MODULES)
    return {name: _aggregate(one, modules.take(slug(name, "aggregate"))) for name, one in designed.items()}


def _aggregate(designed: DesignedAggregate, module: str) -> Aggregate:
    flags = Names()
    return Aggregate(
        module=module,
        title=designed.name,
        description=designed.description,
        stream=stream_parts(designed.stream_pattern, module),
        flags=tuple(
            Flag(flags.take(slug(flag, "flag")).upper(), bit, flag) for bit, flag in enumerate(designed.status_flags)
        ),
    )


# -- events


def _event(
    designed: DesignedEvent, aggregate: Aggregate, stored: StoredNames, *, module: str = "", has_file: bool = False
) -> Event:
    base = _base_of(designed.name)
    version = EVENT_VERSION.search(slug(designed.name, "event"))
    number = (version and version[1].lstrip("0")) or "1"
    says = stems(base) - stems(aggregate.module)
    return Event(
        class_name=Names(CLASSES, "Event").take(class_name(base)),
        stored_as=f"{stored[number].take(base)}_v{number}",
        title=designed.name,
        description=designed.description,
        aggregate=aggregate,
        fields=tuple(_fields(aggregate, designed.payload_fields)),
        sets=next((flag for flag in aggregate.flags if stems(flag.name.lower()) == says), None),
        module=module,
        has_file=has_file,
    )


def _base_of(event_name: str) -> str:
    return EVENT_VERSION.sub("", slug(event_name, "event"))


def _fields(aggregate: Aggregate, payload: Iterable[str]) -> Iterator[Field]:
    """Give the ids of the aggregate, and then the payload, in which an id's own name adds nothing."""
    names = Names(FIELDS)
    for one in aggregate.ids:
        names.take(one.name)
        yield one
    ids = {one.name for one in aggregate.ids}
    for text in payload:
        title, colon, kind = text.rpartition(":")
        title, kind = (title.strip(), kind.strip().lower()) if colon and title.strip() else (text.strip(), "")
        name = slug(title, "field")
        if name not in ids:
            yield Field(names.take(name), TYPES.get(kind, "str"), title)


# -- desks


def _desk_modules(desks: Iterable[PlannedDesk]) -> Iterator[tuple[str, str]]:
    modules = Names(MODULES)
    for desk in desks:
        yield desk.id, modules.take(slug(desk.name, "desk"))


def _described(desk: PlannedDesk, module_of: Mapping[str, str]) -> dict[str, str]:
    return {
        "id": desk.id,
        "module": module_of[desk.id],
        "title": desk.name,
        "description": desk.description,
        "priority": desk.priority,
    }


def _command(
    desk: PlannedDesk,
    module_of: Mapping[str, str],
    aggregates: Mapping[str, Aggregate],
    event: Event | None,
    stored: StoredNames,
) -> CommandDesk:
    words = slug(desk.name, "desk")
    if event is None:
        aggregate = aggregates[desk.aggregate]
        event = _event(DesignedEvent(name=happened(words, aggregate.module)), aggregate, stored)
    return CommandDesk(
        **_described(desk, module_of),
        aggregate=event.aggregate,
        class_name=Names({*CLASSES, event.class_name}, "Command").take(class_name(words)),
        event=event,
    )


def _query(
    desk: PlannedDesk,
    module_of: Mapping[str, str],
    aggregates: Mapping[str, Aggregate],
    projections: Mapping[str, ProjectionDesk],
) -> QueryDesk:
    """Return a query; one that depends on a projection reads what that keeps, and so speaks of its aggregate."""
    reads = next((projections[needed] for needed in desk.needs if needed in projections), None)
    return QueryDesk(
        **_described(desk, module_of),
        aggregate=(reads and reads.aggregate) or aggregates.get(desk.aggregate),
        reads=reads,
    )


def _distribution(venture: str, division: str) -> str:
    first, second = slug(venture, "venture", LONGEST_PACKAGE), slug(division, "division", LONGEST_PACKAGE)
    return f"{first}-{second}".replace("_", "-")
