"""A store with a given number of events, in which everything is as if clients had asked for it.

Every event goes through its desk, into the hash chain and into the read models; only the
transactions are larger.  A tenth of the events set up ventures, one in a thousand discovers a
division of one large venture, and the rest are designed aggregates, the same number in each
division.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench.rig.engine import carry_out, design, divisions, id_of, open_engine, set_up
from bench.rig.run import Run, say
from hecate.dossiers.engine import Engine, Order

ORDERS_A_TRANSACTION = 10_000


class Filled(NamedTuple):
    """A data directory with a filled store."""

    data: Path
    events: int
    ventures: int
    venture_id: str
    """The venture that has all the divisions."""
    division_ids: tuple[str, ...]


@cache
def filled(run: Run, events: int) -> Filled:
    """Return a store of *events* events or a few more, filled once in *run* for all who ask."""
    return fill(run, events)


def fill(run: Run, events: int) -> Filled:
    """Fill a new store with *events* events or a few more."""
    say(f"  filling a store with {events:,} events")
    started = time.monotonic()
    data = run.new_place("filled")
    with open_engine(data) as engine:
        ventures = events // 10
        venture_id = id_of(carry_out(engine, [set_up("large")])[0])
        _carry_out_all(engine, (set_up(f"venture-{number}") for number in range(ventures - 1)))
        division_ids = divisions(engine, max(1, events // 1000), venture_id)
        each = -(-(events - engine.store.head) // len(division_ids))
        _carry_out_all(
            engine,
            (design(division_id, f"aggregate-{number}") for division_id in division_ids for number in range(each)),
        )
        made = Filled(data, engine.store.head, ventures, venture_id, tuple(division_ids))
    say(f"  {made.events:,} events in {time.monotonic() - started:.0f} s")
    return made


def _carry_out_all(engine: Engine, orders: Iterable[Order]) -> None:
    orders = iter(orders)
    while some := list(islice(orders, ORDERS_A_TRANSACTION)):
        carry_out(engine, some)
