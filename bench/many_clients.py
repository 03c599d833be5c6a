"""32 clients over the socket, one durable command each at a time, against raw SQLite inserts.

SQLite alone (`bench.rig.raw_sqlite`, one client, which is as fast as it gets with a transaction
each) is measured right before and right after each load on the daemon; the ratio is to the mean
of the two.  The clients share the machine with the daemon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.rig.daemon import Daemon, running
from bench.rig.divisions import designing, setting_up
from bench.rig.figures import Row, at_least, ratios, rounds
from bench.rig.load import Load, Request, load
from bench.rig.raw_sqlite import insert_for
from bench.rig.run import Benchmark, Run

CLIENTS = 32
DIVISIONS_EACH = 8
LOADS = ("design, 8 divisions a client", "design, one division", "ventures")


class _Measured(NamedTuple):
    load: Load
    cpu_microseconds: float
    """Of the daemon, for each command."""
    raw: float
    """What SQLite alone did, in inserts a second."""


def measure(run: Run) -> Iterator[Row]:
    """Give a row for each load."""
    found: dict[str, list[_Measured]] = {name: [] for name in LOADS}
    for _ in run.each_round():
        with running(run.new_place("daemon")) as daemon:
            before = _raw(run)
            for name, measured in found.items():
                requests = requests_of(name, daemon)
                cpu = daemon.cpu_seconds()
                seen = load(daemon.socket, requests, run.seconds)
                cpu = daemon.cpu_seconds() - cpu
                after = _raw(run)
                measured.append(_Measured(seen, cpu / seen.answers * 1e6, (before + after) / 2))
                before = after
    for name, measured in found.items():
        yield _row(f"{CLIENTS} clients: {name}", measured)


def requests_of(name: str, daemon: Daemon) -> list[Request]:
    """Return a request for each client of the load *name*; makes the divisions that it needs."""
    if name == "ventures":
        return setting_up(CLIENTS)
    if name == "design, one division":
        return designing(daemon.socket, 1, 1) * CLIENTS
    return designing(daemon.socket, CLIENTS, DIVISIONS_EACH)


def _raw(run: Run) -> float:
    return insert_for(run.seconds / 2, run.new_place("raw")).rate


def _row(what: str, measured: list[_Measured]) -> Row:
    rates = rounds([one.load.rate for one in measured])
    raw = rounds([one.raw for one in measured])
    p50, p99 = rounds([one.load.p50 for one in measured]), rounds([one.load.p99 for one in measured])
    cpu = rounds([one.cpu_microseconds for one in measured])
    beside = (
        f"{rates.median:,.0f}/s, p50 {p50.median:.1f} ms, p99 {p99.text('ms', 1)}, "
        f"{cpu.median:.0f} µs of CPU each; SQLite {raw.median:,.0f}/s"
    )
    return at_least(what, ratios(rates.values, raw.values), 1.5, than="raw SQLite", beside=beside)


BENCHMARK = Benchmark("many-clients", measure)
