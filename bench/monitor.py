"""5,000 http checks on an interval of 10 s, polled by a daemon that has nothing else to do.

The checks are registered through the engine before the daemon starts; what they ask is a process of its own that
answers each request with 200 and hangs up.  How late a poll is, is seen from its samples: the gap between two polls of
a check, less its interval and the jitter that the poller adds itself.  Measured once all checks have been polled twice:
the first polls record a status each.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from bench.rig.daemon import Daemon, running
from bench.rig.engine import META, carry_out, discover, id_of, open_engine, set_up, start_discovery
from bench.rig.figures import Row, percentile, rounds, under
from bench.rig.lateness import milliseconds_within, sleeper
from bench.rig.run import Benchmark, Run
from bench.rig.timed_daemon import COMMAND, timers_of
from hecate.dossiers.engine import Order
from hecate.dossiers.lifecycle import Start
from hecate.monitor_division import PROCESS
from hecate.monitor_division.poller import JITTER, SPREAD_SECONDS
from hecate.monitor_division.register_check import DESK as REGISTER, RegisterCheck
from hecate.monitor_division.samples_store import DATABASE_NAME

CHECKS = 5000
INTERVAL_SECONDS = 10.0
LEAST_SECONDS = 20.0
"""Two rounds of polls; a run that is only to show that the benchmark works takes one second."""
ORDERS_A_TRANSACTION = 1000

GAPS = """
SELECT gap FROM (
    SELECT polled_at - lag(polled_at) OVER (PARTITION BY subject ORDER BY id) AS gap, polled_at FROM samples
) WHERE gap IS NOT NULL AND polled_at >= ?
"""

SERVER = """
import asyncio, uvloop

class Answer(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nok")
        self.transport.close()

async def main():
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

uvloop.run(main())
"""


def measure(run: Run) -> Iterator[Row]:
    """Give a row for the CPU, one for the event loop's timers and one for the polls."""
    checks = run.sized(CHECKS)
    interval = INTERVAL_SECONDS if run.scale >= 1 else 1.0
    seconds = max(run.seconds, LEAST_SECONDS) if run.scale >= 1 else 3.0  # samples are written together, after a while
    cpu: list[float] = []
    timers: list[float] = []
    others: list[float] = []
    latest: list[float] = []
    usual: list[float] = []
    polls: list[float] = []
    for _ in run.each_round():
        place = run.new_place("monitor")
        data = place / "data"
        data.mkdir(mode=0o700)
        with _server() as port:
            _register(data, checks, interval, f"http://127.0.0.1:{port}/health")
            with running(place, data, command=COMMAND) as daemon:
                time.sleep(min(SPREAD_SECONDS, interval) + 2 * interval)
                with sleeper() as asleep:
                    used, began, ended, gaps = _watch(daemon, data, seconds)
        within = milliseconds_within(timers_of(daemon.socket), began, ended)
        late = sorted(max(0.0, gap / 1000 - interval * (1 + JITTER)) for gap in gaps)
        cpu.append(100 * used / (ended - began))
        timers.append(within[-1])
        usual.append(percentile(within, 0.99))
        others.append(milliseconds_within(asleep, began, ended)[-1])
        latest.append(100 * late[-1] / interval)
        polls.append(len(gaps) / (ended - began))
    what = f"{checks:,} checks every {interval:g} s"
    yield under(f"{what}: CPU", rounds(cpu), 25, "% of a core", beside=rounds(polls).text("polls/s", 0), digits=1)
    beside = f"p99 {rounds(usual).text('ms', 1)}; a process that only sleeps {rounds(others).text('ms', 1)}"
    yield under("… the event loop's latest timer", rounds(timers), 25, "ms", beside=beside, digits=1)
    yield under("… the latest poll, of its interval", rounds(latest), 5, "%", digits=2)


def _watch(daemon: Daemon, data: Path, seconds: float) -> tuple[float, float, float, list[int]]:
    """Return the processor seconds used, when that began and ended, and the gaps between polls in milliseconds."""
    since = time.time_ns() // 1_000_000
    before, began = daemon.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    used, ended = daemon.cpu_seconds() - before, time.monotonic()
    db = apsw.Connection(str(data / DATABASE_NAME), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        gaps = [int(gap) for (gap,) in db.execute(GAPS, (since,))]
    finally:
        db.close()
    return used, began, ended, gaps


def _register(data: Path, checks: int, interval: float, url: str) -> None:
    with open_engine(data) as engine:
        venture_id = id_of(carry_out(engine, [set_up("bench")])[0])
        carry_out(engine, [start_discovery(venture_id)])
        division_id = id_of(carry_out(engine, [discover(venture_id, "watched")])[0])
        start = next(desk for desk in PROCESS.lifecycle.desks if desk.path == "start")
        carry_out(engine, [Order(process=PROCESS, desk=start, command=Start(), subject_id=division_id, meta=META)])
        orders = [
            Order(
                process=PROCESS,
                desk=REGISTER,
                command=RegisterCheck(name=f"check-{number}", target=url, interval_seconds=interval),
                subject_id=division_id,
                meta=META,
            )
            for number in range(checks)
        ]
        for first in range(0, len(orders), ORDERS_A_TRANSACTION):
            carry_out(engine, orders[first : first + ORDERS_A_TRANSACTION])


@contextmanager
def _server() -> Iterator[int]:
    """Run what the checks ask; give its port."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)):
            pass
        yield port
    finally:
        process.kill()
        process.communicate()


BENCHMARK = Benchmark("monitor", measure)
