"""The design: aggregates, and the events that can happen to them."""

from __future__ import annotations

import pytest

from hecate.design_division import PROCESS
from hecate.design_division.design_aggregate import DESK as AGGREGATE, AggregateDesigned, DesignAggregate
from hecate.design_division.design_event import DESK as EVENT, DesignEvent, EventDesigned
from hecate.dossiers.errors import Refused
from tests.calling import Caller
from tests.deciding import decided

USER = AggregateDesigned(
    aggregate_id="agg-1", aggregate_name="user", stream_pattern="", status_flags=(), description=""
)
REGISTERED = EventDesigned(
    event_id="evt-1", event_name="user_registered", aggregate_name="user", payload_fields=(), description=""
)


def test_an_aggregate_is_designed_once() -> None:
    """Under its name; with the same fields or with others."""
    assert decided(PROCESS, AGGREGATE, DesignAggregate(aggregate_name="user")) == [USER]
    for command in (
        DesignAggregate(aggregate_name="user"),
        DesignAggregate(aggregate_name="user", description="other"),
    ):
        with pytest.raises(Refused, match="aggregate 'user' is designed already"):
            decided(PROCESS, AGGREGATE, command, [USER])


def test_an_event_needs_the_aggregate_that_it_names() -> None:
    """Which must be designed before."""
    command = DesignEvent(event_name="user_registered", aggregate_name="user")
    with pytest.raises(Refused, match="needs aggregate 'user', which is not designed yet"):
        decided(PROCESS, EVENT, command)
    assert decided(PROCESS, EVENT, command, [USER]) == [REGISTERED]


def test_an_event_need_not_name_an_aggregate() -> None:
    """One that comes from elsewhere has none here."""
    (event,) = decided(PROCESS, EVENT, DesignEvent(event_name="invoice_paid"))
    assert isinstance(event, EventDesigned)
    assert event.aggregate_name == ""


def test_an_event_is_designed_once() -> None:
    """Whichever aggregate it is of."""
    with pytest.raises(Refused, match="event 'user_registered' is designed already"):
        decided(PROCESS, EVENT, DesignEvent(event_name="user_registered"), [USER, REGISTERED])


def test_designs_come_in_pages_in_their_order(caller: Caller) -> None:
    """Aggregates and events as they were designed."""
    division_id = caller.division_with(design="active")
    path = f"/api/divisions/{division_id}"
    names = [f"a{number}" for number in range(3)]
    for name in names:
        caller.done(f"{path}/design/aggregate", {"aggregate_name": name})
        caller.done(f"{path}/design/event", {"event_name": f"{name}_happened", "aggregate_name": name})
    seen: list[tuple[str, str]] = []
    after = 0
    while after is not None:
        page = caller.get(f"{path}/designs?limit=4&after={after}").json
        assert page["process"]["state"] == "active"
        seen += [(item["kind"], item["aggregate_name"]) for item in page["designs"]]
        after = page["next"]
    assert seen == [(kind, name) for name in names for kind in ("aggregate", "event")]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=-1", "after=x"])
def test_a_wrong_page_is_refused(caller: Caller, query: str) -> None:
    """As in every list."""
    assert caller.get(f"/api/divisions/{caller.division()}/designs?{query}").code == "validation_error"
