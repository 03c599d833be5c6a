"""Which command raises which event."""

from __future__ import annotations

import pytest

from hecate.generate_division.skeleton.design import Design, DesignedEvent, PlannedDesk
from hecate.generate_division.skeleton.matching import raised_events, settled


def design(events: list[tuple[str, str]], desks: list[tuple[str, str]]) -> Design:
    """Return a design of events and command desks, pairs of name and aggregate."""
    return Design(
        venture="v",
        division="d",
        project="p",
        events=tuple(DesignedEvent(name=name, aggregate=aggregate) for name, aggregate in events),
        desks=tuple(PlannedDesk(id=name, name=name, aggregate=aggregate) for name, aggregate in desks),
    )


@pytest.mark.parametrize(
    ("event", "desk"),
    [
        (("user_registered", "user"), ("register_user", "user")),
        (("user_registered_v1", "user"), ("RegisterUser", "user")),
        (("user_registered", "user"), ("register", "user")),
        (("registered", "user"), ("register user", "user")),
        (("user_registered", ""), ("register_user", "user")),
        (("user_registered", "user"), ("register_user", "")),
        (("invoice_paid", "invoice"), ("pay_invoice", "invoice")),
    ],
)
def test_they_belong_together(event: tuple[str, str], desk: tuple[str, str]) -> None:
    """The event says that the command was done."""
    raised = raised_events(design([event], [desk]))
    assert {desk_id: found.name for desk_id, found in raised.items()} == {desk[0]: event[0]}


@pytest.mark.parametrize(
    ("event", "desk"),
    [
        (("user_registered", "user"), ("lock_user", "user")),
        (("user_registered", "user"), ("register_user", "account")),
        (("user_registered", "user"), ("register", "")),
    ],
)
def test_they_do_not(event: tuple[str, str], desk: tuple[str, str]) -> None:
    """Another verb, another aggregate, too little said."""
    assert raised_events(design([event], [desk])) == {}


def test_an_event_is_raised_by_one_desk() -> None:
    """The first that was planned; the next takes the next event that fits, or none."""
    found = raised_events(
        design(
            [("user_registered", "user"), ("registered_user", "user")],
            [("register_user", "user"), ("user register", "user"), ("UserRegister", "user")],
        )
    )
    assert {desk: event.name for desk, event in found.items()} == {
        "register_user": "user_registered",
        "user register": "registered_user",
    }


def test_everything_has_an_aggregate_in_the_end() -> None:
    """That of the other one, or that of the division."""
    unsettled = design(
        [("user_registered", ""), ("order_placed", "order"), ("alone", "")],
        [("register_user", "user"), ("place_order", ""), ("ping", "")],
    )
    done = settled(unsettled, raised_events(unsettled), "shop")
    assert [event.aggregate for event in done.events] == ["user", "order", "shop"]
    assert [desk.aggregate for desk in done.desks] == ["user", "order", "shop"]
