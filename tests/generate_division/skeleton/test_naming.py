"""From a design to a project: every name fit for use, every desk with its event."""

from __future__ import annotations

from hypothesis import given

from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.naming import name_project
from tests.generate_division.skeleton.any_design import designs

USER = DesignedAggregate(name="User", status_flags=("ACTIVE", "Locked out", "locked"))
REGISTERED = DesignedEvent(
    name="user_registered", aggregate="User", payload_fields=("e-mail", "user_id", "age : Integer", "class", "E-Mail")
)
REGISTER = PlannedDesk(id="desk-1", name="Register user", aggregate="User")


def design(**changes: object) -> Design:
    """Return a design with some of its fields."""
    return Design(**{"venture": "My Shop", "division": "Auth", "project": "auth", **changes})  # type: ignore[arg-type]


def test_a_desk_has_its_event() -> None:
    """With the ids of its aggregate, and the payload once each, under names and types that Python takes."""
    (command,) = name_project(design(aggregates=(USER,), events=(REGISTERED,), desks=(REGISTER,))).commands
    assert (command.module, command.class_name, command.event.class_name) == (
        "register_user",
        "RegisterUser",
        "UserRegistered",
    )
    assert (command.event.stored_as, command.event.has_file) == ("user_registered_v1", False)
    assert [(field.name, field.type) for field in command.event.fields] == [
        ("user_id", "str"),
        ("e_mail", "str"),
        ("age", "int"),
        ("class_", "str"),
        ("e_mail_2", "str"),
    ]


def test_a_desk_without_an_event_makes_one() -> None:
    """Of an aggregate that nobody has designed, if need be."""
    (command,) = name_project(design(desks=(PlannedDesk(id="d", name="ping"),))).commands
    assert (command.event.stored_as, command.aggregate.module) == ("auth_pinged_v1", "auth")


def test_an_event_without_a_desk_has_a_file() -> None:
    """And keeps it when a desk comes, if it is said so."""
    alone = design(aggregates=(USER,), events=(REGISTERED,))
    assert [event.module for event in name_project(alone).events] == ["user_registered"]
    claimed = design(aggregates=(USER,), events=(REGISTERED,), desks=(REGISTER,))
    assert name_project(claimed).events == ()
    (command,) = name_project(claimed, frozenset({"user_registered"})).commands
    assert command.event.has_file


def test_versions_of_an_event_are_told_apart() -> None:
    """By what its designer has written behind it."""
    names = ("paid", "paid_v1", "paid_v2", "Paid", "paid_v02")
    project = name_project(design(events=tuple(DesignedEvent(name=name) for name in names)))
    assert [event.stored_as for event in project.events] == [
        "paid_v1",
        "paid_2_v1",
        "paid_v2",
        "paid_3_v1",
        "paid_2_v2",
    ]


def test_an_event_sets_the_flag_that_says_the_same() -> None:
    """The first of them."""
    events = (DesignedEvent(name="user_locked", aggregate="User"), REGISTERED)
    project = name_project(design(aggregates=(USER,), events=events))
    assert [event.sets and event.sets.name for event in project.events] == ["LOCKED", None]


def test_a_query_reads_the_projection_that_it_depends_on() -> None:
    """And speaks of its aggregate; else it has a read model of its own."""
    desks = (
        PlannedDesk(id="p", name="users", type="projection", aggregate="User"),
        PlannedDesk(id="q", name="show_user", type="query", needs=("p",)),
        PlannedDesk(id="r", name="show_all", type="query"),
    )
    reading, alone = name_project(design(desks=desks)).queries
    assert reading.reads is not None
    assert (reading.table, reading.aggregate) == ("read_users", reading.reads.aggregate)
    assert (alone.table, alone.aggregate) == ("read_show_all", None)


def test_a_class_is_called_like_no_other_in_its_file() -> None:
    """Neither like what the file imports, nor like a builtin."""
    names = ("Command", "Event", "Exception", "None", "user registered")
    desks = tuple(PlannedDesk(id=name, name=name, aggregate="User") for name in names)
    project = name_project(
        design(aggregates=(USER,), events=(DesignedEvent(name="registered user", aggregate="User"),), desks=desks)
    )
    assert [(desk.class_name, desk.event.class_name) for desk in project.commands] == [
        ("CommandCommand", "UserCommanded"),
        ("EventCommand", "UserEvented"),
        ("ExceptionCommand", "UserExceptioned"),
        ("NoneCommand", "UserNoned"),
        ("UserRegistered", "RegisteredUser"),
    ]


@given(designs())
def test_everything_is_told_apart(design: Design) -> None:
    """Modules of a kind, names in the store, fields of an event."""
    project = name_project(design)
    events = [*project.events, *(desk.event for desk in project.commands if not desk.event.has_file)]
    for names in (
        [aggregate.module for aggregate in project.aggregates],
        [event.module for event in project.events],
        [
            *(desk.module for desk in project.commands),
            *(desk.module for desk in project.projections),
            *(desk.module for desk in project.queries),
        ],
        [event.stored_as for event in events],
        *([field.name for field in event.fields] for event in events),
        *([flag.name for flag in aggregate.flags] for aggregate in project.aggregates),
    ):
        assert len(set(names)) == len(names), names
