"""``GET /api/llm/usage``: what the calls add up to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hecate.serve_llm.usage import UsageReport
from tests.serve_llm.accounting import Accounted, accounted
from tests.serve_llm.asking import OpenGateway
from tests.serve_llm.test_usage_store import call


def at(day: str, clock: str = "12:00") -> int:
    """Return a time of UTC in milliseconds since 1970."""
    return int(datetime.fromisoformat(f"{day}T{clock}+00:00").astimezone(UTC).timestamp() * 1000)


CALLS = (
    call(began_at=at("2026-11-01"), model="a", venture_id="v-1", division_id="d-1", cost_usd=0.5),
    call(began_at=at("2026-11-01", "23:59"), model="b", venture_id="v-1", division_id="d-2", cost_usd=None),
    call(began_at=at("2026-11-02", "00:00"), model="a", venture_id="", cost_usd=0.25, first_piece_ms=37.5),
    call(began_at=at("2026-11-02"), provider="other", model="a", venture_id="", cost_usd=0.0, streamed=0),
    call(began_at=at("2026-11-03"), model="a", outcome="provider_error", cost_usd=None, first_piece_ms=None),
    call(began_at=at("2026-11-03"), model="a", outcome="cancelled", cost_usd=None, prompt_tokens=None),
)


@pytest.fixture
async def one(open_gateway: OpenGateway, tmp_path: Path) -> Accounted:
    """A gateway that remembers `CALLS`."""
    one = await accounted(await open_gateway({}), tmp_path)
    one.store.write(CALLS)
    return one


async def rows(one: Accounted, query: str) -> list[dict[str, Any]]:
    """Return the rows that *query* gives."""
    reply = await one.ask(f"/api/llm/usage?{query}")
    assert reply.status == 200, reply.json
    found: list[dict[str, Any]] = reply.json["rows"]
    return found


async def test_all_there_is_to_say_of_a_day(one: Accounted) -> None:
    """The latest day comes first; what failed or was cancelled counts, and what is unknown is told apart."""
    newest, _, oldest = await rows(one, "")
    assert oldest == {
        "day": "2026-11-01",
        "calls": 2,
        "errors": 0,
        "cancelled": 0,
        "prompt_tokens": 30,
        "completion_tokens": 16,
        "total_tokens": 46,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "cost_usd": 0.5,
        "unpriced_calls": 1,
        "first_token_p50_ms": 12.5,
        "first_token_p95_ms": 12.5,
        "latency_p50_ms": 100.0,
        "latency_p95_ms": 100.0,
    }
    told = {name: newest[name] for name in ("day", "calls", "errors", "cancelled", "cost_usd", "unpriced_calls")}
    assert told == {
        "day": "2026-11-03",
        "calls": 2,
        "errors": 1,
        "cancelled": 1,
        "cost_usd": None,
        # The one that failed before it said anything has cost nothing.
        "unpriced_calls": 1,
    }
    assert newest["latency_p50_ms"] is None


@pytest.mark.parametrize(
    ("by", "keys", "expected"),
    [
        ("day", ("day",), [("2026-11-03",), ("2026-11-02",), ("2026-11-01",)]),
        ("model", ("provider", "model"), [("openai", "a"), ("openai", "b"), ("other", "a")]),
        ("provider", ("provider",), [("openai",), ("other",)]),
        ("venture", ("venture_id",), [("v-1",), ("",)]),
        ("division", ("venture_id", "division_id"), [("", ""), ("v-1", ""), ("v-1", "d-1"), ("v-1", "d-2")]),
    ],
)
async def test_rows_are_told_apart_by(
    one: Accounted, by: str, keys: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    """Those with the most calls come first, but for days."""
    found = await rows(one, f"by={by}")
    assert [tuple(row[key] for key in keys) for row in found] == expected
    assert not {"day", "provider", "model", "venture_id", "division_id"}.difference(keys).intersection(found[0])


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("since=2026-11-02", 4),
        ("since=2026-11-02&until=2026-11-02", 2),
        ("until=2026-11-01", 2),
        ("until=2026-11-01T23:59:00Z", 1),
        ("since=2026-11-01T23:59:00Z", 5),
        ("since=2026-11-02T01:00:00%2B01:00&until=2026-11-02T13:00:01+01:00", 2),
        ("since=2026-11-02T12:00", 3),
        ("since=2027-01-01", 0),
        ("since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-14:00", 6),
    ],
)
async def test_only_some_time_counts(one: Accounted, query: str, calls: int) -> None:
    """A date is one of UTC, and the last one counts in whole; a time may have a zone, and is of UTC without one."""
    reply = await one.ask(f"/api/llm/usage?{query}")
    assert reply.json["total"]["calls"] == calls
    assert sum(row["calls"] for row in reply.json["rows"]) == calls


async def test_the_sum_is_over_all_rows(one: Accounted) -> None:
    """Also those that are not shown, and the answer says that there are some."""
    reply = (await one.ask("/api/llm/usage?by=model&limit=1")).json
    assert (len(reply["rows"]), reply["more"], reply["total"]["calls"]) == (1, True, 6)
    assert reply["total"]["cost_usd"] == 0.75
    assert (await one.ask("/api/llm/usage?by=model&limit=3")).json["more"] is False


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=yesterday", "`since` is 'yesterday', no date like 2026-11-01"),
        ("until=2026-13-01", "`until` is '2026-13-01'"),
        ("until=9999-12-31", "`until` is '9999-12-31'"),
        ("since=2026-11-02&until=2026-11-01", "`since` must be before `until`"),
        ("by=hour", "`$.by`"),
        ("limit=0", "`$.limit`"),
    ],
)
async def test_what_makes_no_sense_is_refused(one: Accounted, query: str, words: str) -> None:
    """In words."""
    reply = await one.ask(f"/api/llm/usage?{query}")
    assert (reply.status, reply.code) == (400, "validation_error")
    assert words in reply.json["error"]


async def test_nothing_adds_up_to_nothing(open_gateway: OpenGateway, tmp_path: Path) -> None:
    """What is not known is null, and what can be counted is 0."""
    one = await accounted(await open_gateway({}), tmp_path)
    reply = (await one.ask("/api/llm/usage")).json
    assert reply["rows"] == []
    assert {name for name, value in reply["total"].items() if value is None} == {
        "cost_usd",
        "first_token_p50_ms",
        "first_token_p95_ms",
        "latency_p50_ms",
        "latency_p95_ms",
    }
    assert set(reply) == set(UsageReport.__struct_encode_fields__)


async def test_before_the_store_is_open_it_says_so(open_gateway: OpenGateway, tmp_path: Path) -> None:
    """Rather than that there were no calls."""
    one = Accounted(await open_gateway({}), None)  # type: ignore[arg-type]  # not asked for
    assert (await one.ask("/api/llm/usage")).code == "unavailable"
