"""The plan: desks, what they need, and the order in which they are built."""

from __future__ import annotations

import pytest

from hecate.dossiers.errors import Invalid, Refused
from hecate.dossiers.messages import Event
from hecate.plan_division import PROCESS
from hecate.plan_division.inventory_desk import DESK as INVENTORY, DeskInventoried, InventoryDesk
from hecate.plan_division.plan_dependency import DESK as DEPENDENCY, DependencyPlanned, PlanDependency
from hecate.plan_division.sequence_desks import DESK as SEQUENCE, DesksSequenced, SequenceDesks
from tests.calling import Caller
from tests.deciding import decided


def desk(name: str, priority: str = "P2") -> DeskInventoried:
    """Return the event of a desk whose id is made of its name."""
    return DeskInventoried(
        desk_id=f"desk-{name}",
        desk_name=name,
        desk_type="command",
        aggregate_name="",
        priority=priority,  # type: ignore[arg-type]
        description="",
    )


def needs(from_desk: str, to_desk: str) -> DependencyPlanned:
    """Return the event of a dependency."""
    return DependencyPlanned(
        dependency_id="dep-1",
        from_desk_id=f"desk-{from_desk}",
        to_desk_id=f"desk-{to_desk}",
        from_desk=from_desk,
        to_desk=to_desk,
    )


def sequenced(*names: str, sprint: int = 1) -> DesksSequenced:
    """Return the event of an order."""
    return DesksSequenced(
        sequence_id="seq-1", desk_ids=tuple(f"desk-{name}" for name in names), desk_names=names, sprint_number=sprint
    )


ABC: tuple[Event, ...] = (desk("a"), desk("b"), desk("c"))


def test_a_desk_is_inventoried_once() -> None:
    """Under its name."""
    with pytest.raises(Refused, match="desk 'a' is in the plan already"):
        decided(PROCESS, INVENTORY, InventoryDesk(desk_name="a"), ABC)


def test_desks_are_named_by_name_or_id() -> None:
    """In one command, too."""
    assert decided(PROCESS, DEPENDENCY, PlanDependency(from_desk="a", to_desk="desk-b"), ABC) == [needs("a", "b")]


@pytest.mark.parametrize(
    ("command", "given", "refusal"),
    [
        (PlanDependency(from_desk="a", to_desk="x"), ABC, "desk 'x' is not in the plan"),
        (PlanDependency(from_desk="x", to_desk="a"), ABC, "desk 'x' is not in the plan"),
        (PlanDependency(from_desk="a", to_desk="a"), ABC, "desk 'a' cannot depend on itself"),
        (PlanDependency(from_desk="a", to_desk="desk-a"), ABC, "desk 'a' cannot depend on itself"),
        (PlanDependency(from_desk="a", to_desk="b"), (*ABC, needs("a", "b")), "desk 'a' depends on 'b' already"),
        (PlanDependency(from_desk="b", to_desk="a"), (*ABC, needs("a", "b")), "would close the cycle b -> a -> b"),
        (
            PlanDependency(from_desk="c", to_desk="a"),
            (*ABC, needs("a", "b"), needs("b", "c")),
            "would close the cycle c -> a -> b -> c",
        ),
    ],
)
def test_a_dependency_leaves_the_desks_in_some_order(
    command: PlanDependency, given: tuple[Event, ...], refusal: str
) -> None:
    """Unknown desks, itself, repetitions and cycles are refused."""
    with pytest.raises(Refused, match=refusal):
        decided(PROCESS, DEPENDENCY, command, given)


def test_the_daemon_orders_all_desks() -> None:
    """Where no desk is named: by priority and dependency."""
    given = (desk("a", "P3"), desk("b", "P0"), desk("c", "P1"), needs("b", "a"))
    assert decided(PROCESS, SEQUENCE, SequenceDesks(), given) == [sequenced("a", "b", "c")]


def test_a_caller_orders_some() -> None:
    """By names or by ids, for a sprint."""
    given = (*ABC, needs("a", "b"))
    for command in (
        SequenceDesks(desk_names=("b", "a"), sprint_number=2),
        SequenceDesks(desk_ids=("desk-b", "desk-a"), sprint_number=2),
        SequenceDesks(desk_names=("desk-b", "a"), sprint_number=2),
    ):
        assert decided(PROCESS, SEQUENCE, command, given) == [sequenced("b", "a", sprint=2)]


def test_what_an_earlier_sprint_has_built_is_there() -> None:
    """A desk may come alone once what it needs has been sequenced."""
    given = (*ABC, needs("a", "b"), sequenced("b"))
    command = SequenceDesks(desk_names=("a",), sprint_number=2)
    assert decided(PROCESS, SEQUENCE, command, given) == [sequenced("a", sprint=2)]


@pytest.mark.parametrize(
    ("command", "given", "refusal"),
    [
        (SequenceDesks(), (), "has no desk to sequence"),
        (SequenceDesks(desk_names=("x",)), ABC, "desk 'x' is not in the plan"),
        (SequenceDesks(desk_ids=("desk-x",)), ABC, "desk 'desk-x' is not in the plan"),
        (SequenceDesks(desk_names=("a", "a")), ABC, "desk 'a' is named twice"),
        (SequenceDesks(desk_names=("a", "desk-a")), ABC, "desk 'a' is named twice"),
        (SequenceDesks(desk_names=("a", "b")), (*ABC, needs("a", "b")), "desk 'a' needs 'b', which is not sequenced"),
        (SequenceDesks(desk_names=("a",)), (*ABC, needs("a", "b")), "desk 'a' needs 'b', which is not sequenced"),
    ],
)
def test_an_order_that_cannot_be_is_refused(command: SequenceDesks, given: tuple[Event, ...], refusal: str) -> None:
    """Unknown desks, repetitions, and an order against a dependency."""
    with pytest.raises(Refused, match=refusal):
        decided(PROCESS, SEQUENCE, command, given)


def test_ids_and_names_together_are_wrong() -> None:
    """400: which of them is meant would be a guess."""
    with pytest.raises(Invalid, match="give desk_ids or desk_names, not both"):
        decided(PROCESS, SEQUENCE, SequenceDesks(desk_ids=("desk-a",), desk_names=("b",)), ABC)


def test_the_order_in_force_adds_nothing(caller: Caller) -> None:
    """The command is granted, without an event, and does not claim to have made anything."""
    division_id = caller.division_with(plan="active")
    caller.done(f"/api/divisions/{division_id}/plan/desk", {"desk_name": "a"})
    made = caller.done(f"/api/divisions/{division_id}/plan/sequence")
    assert made["id"] == made["sequence_id"] != division_id
    again = caller.done(f"/api/divisions/{division_id}/plan/sequence")
    assert (again["events"], again["id"], again["version"]) == ([], division_id, made["version"])
    assert "sequence_id" not in again
    other = caller.done(f"/api/divisions/{division_id}/plan/sequence", {"sprint_number": 2})
    assert [event["type"] for event in other["events"]] == ["desks_sequenced_v1"]


def test_the_plan_tells_which_aggregates_no_desk_covers(caller: Caller) -> None:
    """In the order of the design; a desk that names one covers it."""
    division_id = caller.division_with(design="active", plan="active")
    path = f"/api/divisions/{division_id}"
    for name in ("user", "session", "invitation"):
        caller.done(f"{path}/design/aggregate", {"aggregate_name": name})
    caller.done(f"{path}/plan/desk", {"desk_name": "open_session", "aggregate_name": "session"})
    assert caller.get(f"{path}/plans").json["uncovered_aggregates"] == ["user", "invitation"]


def test_plans_are_of_three_kinds(caller: Caller) -> None:
    """Desks, dependencies and sequences, in their order."""
    division_id = caller.division_with(plan="active")
    path = f"/api/divisions/{division_id}/plan"
    for name in ("a", "b"):
        caller.done(f"{path}/desk", {"desk_name": name})
    caller.done(f"{path}/dependency", {"from_desk": "a", "to_desk": "b"})
    caller.done(f"{path}/sequence")
    items = caller.get(f"/api/divisions/{division_id}/plans").json["plans"]
    assert [item["kind"] for item in items] == ["desk", "desk", "dependency", "sequence"]
    assert items[-1]["desk_names"] == ["b", "a"]
