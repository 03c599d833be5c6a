"""What is due, and who waits for room."""

from __future__ import annotations

from hecate.monitor_division.lanes import Lane, Lanes
from hecate.monitor_division.monitor_settings import MonitorSettings
from hecate.monitor_division.schedule import Schedule


def test_checks_fall_due_in_the_order_of_their_time() -> None:
    """Each once, and only when it is."""
    schedule = Schedule()
    for check_id, at in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        schedule.add(check_id, at)
    assert schedule.next_at() == 1.0
    assert list(schedule.due(2.0)) == [("a", 1.0), ("b", 2.0)]
    assert (schedule.next_at(), len(schedule)) == (3.0, 1)


def test_a_check_has_one_time() -> None:
    """The newest; a removed one has none."""
    schedule = Schedule()
    schedule.add("a", 1.0)
    schedule.add("a", 5.0)
    schedule.add("b", 2.0)
    schedule.remove("b")
    schedule.remove("never added")
    assert list(schedule.due(4.0)) == []
    assert schedule.next_at() == 5.0
    schedule.add("a", 3.0)
    assert list(schedule.due(4.0)) == [("a", 3.0)]
    assert schedule.next_at() is None


def test_a_lane_lets_in_so_many_and_then_the_next_in_turn() -> None:
    """Whoever leaves hands its place on."""
    lanes: Lanes[str] = Lanes(MonitorSettings(polls_at_once=4, commands_at_once=1))
    assert [lanes.enter(Lane.PROMPT, name) for name in "abcde"] == [True, True, True, False, False]
    assert [lanes.leave(Lane.PROMPT) for _ in range(3)] == ["d", "e", None]
    assert lanes.enter(Lane.PROMPT, "f")


def test_a_full_lane_does_not_fill_another() -> None:
    """Those that time out hold up only their like."""
    lanes: Lanes[str] = Lanes(MonitorSettings(polls_at_once=4, commands_at_once=1))
    assert [lanes.enter(Lane.SLOW, name) for name in "ab"] == [True, False]
    assert lanes.enter(Lane.PROMPT, "c")
    assert lanes.enter(Lane.COMMAND, "d")
    assert lanes.waiting == 1
