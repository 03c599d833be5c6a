"""Connections that want too much: more of them than there may be, slower than anybody, gone at once.

Whoever else calls is served meanwhile, the log stays short, and afterwards the daemon is as it was.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.daemon.child import DEADLINE_SECONDS, Child, started, wait_until
from tests.dossiers.crash import Journal
from tests.dossiers.oracle import wrongs
from tests.faults.conftest import Say
from tests.faults.sizes import LONG, size
from tests.faults.vitals import Pulse, asking_after, percentile, vitals
from tests.faults.writing import Persevering, Refusals, big_ventures, lifecycles, writing
from tests.serving import HECATE, serving

HERE = Path(__file__).parent
LIMIT = 64
CALLERS_AT_THE_LIMIT = 200
LINES_AT_MOST = 10
OPENED_LATER = 16
"""Descriptors that a daemon has for good once it has read and sampled."""
SLOW_CALLERS = 500
COMMANDS = size(200, 10_000)
COME_AND_GONE = size(1000, 10_000)
SLOW_READERS = 20
BIG_COMMANDS = size(60, 600)
KILOBYTES_A_COMMAND = 50

pytestmark = pytest.mark.timeout(size(60, 600))


def limited(*program: str | Path) -> list[str | Path]:
    """Return what runs *program* with few descriptors."""
    return [HERE / "limited.py", f"NOFILE={LIMIT}", "--", sys.executable, *program]


@contextmanager
def serving_with_few_descriptors(place: Path) -> Iterator[Child]:
    """Serve with `LIMIT` descriptors."""
    (place / "config.toml").write_text("[providers.ollama]\nenabled = false\n")
    where = ("--socket", place / "s", "--data-dir", place / "data", "--config", place / "config.toml")
    with started(where, place / "s", program=limited(HECATE, "serve")) as child:
        yield child.ready()


@contextmanager
def connections(path: Path, count: int, begun: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open *count* connections that send what they have *begun*, and no more."""
    with ExitStack() as stack:
        opened = [stack.enter_context(connect_when_there_is_room(path)) for _ in range(count)]
        for connection in opened:
            with suppress(OSError):  # it was not let in
                connection.sendall(begun)
        yield opened


def connect_when_there_is_room(path: Path) -> socket.socket:
    """Connect, after those whom the daemon has not accepted yet."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    connection.settimeout(DEADLINE_SECONDS)
    return connection


def is_ended(connection: socket.socket) -> bool:
    """Tell whether the other end has closed *connection*, after whatever it has said."""
    try:
        connection.setblocking(False)
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_out_of_descriptors_it_serves_on(place: Path, say: Say) -> None:
    """200 connections at a limit of 64: who was there before is served, commands are recorded, the log stays short."""
    journal, refusals = Journal(), Refusals()
    writer = Persevering("writer", lifecycles("writer"), journal, refusals)
    with serving_with_few_descriptors(place) as child:
        before = vitals(child.process.pid)
        with (
            asking_after(child, keep_connection=True) as pulse,
            writing(child.socket_path, [writer], until=lambda: len(journal.acknowledged) >= COMMANDS),
        ):
            # The writer must have its connection before the others come.
            wait_until(lambda: bool(journal.acknowledged))
            with connections(child.socket_path, CALLERS_AT_THE_LIMIT) as callers:
                wait_until(lambda: sum(is_ended(caller) for caller in callers) >= CALLERS_AT_THE_LIMIT - LIMIT)
                begun = len(journal.acknowledged)
                wait_until(lambda: len(journal.acknowledged) >= min(begun + 50, COMMANDS) and has_beaten(pulse))
                amid = vitals(child.process.pid)
        assert amid.descriptors <= LIMIT
        with closing(Caller(child.socket_path)) as caller:
            wait_until(lambda: caller.get("/api/health").status == 200)
        wait_until(lambda: vitals(child.process.pid).descriptors < amid.descriptors - 10)
        assert len(child.err) <= LINES_AT_MOST, child.err
        assert wrongs(place / "data" / "hecate.db", journal) == []
        after = vitals(child.process.pid)
    assert refusals.sentences == []
    say(f"{CALLERS_AT_THE_LIMIT} connections at {LIMIT} descriptors: {len(child.err)} log lines; {pulse}")
    say(f"{len(journal.acknowledged):,} commands; before: {before}; amid: {amid}; after: {after}")
    assert_alive(pulse)


def test_a_log_that_grows_would_be_seen(place: Path, say: Say) -> None:
    """The control: the same crowd before a server that has not learnt to say it once."""
    with (
        started([], place / "s", program=limited(HERE / "plain_server.py", place / "s")) as child,
        connections(child.ready().socket_path, CALLERS_AT_THE_LIMIT),
    ):
        wait_until(lambda: len(child.err) > 100 * LINES_AT_MOST)
    say(f"a plain asyncio server wrote {len(child.err):,} lines")


def test_slow_callers_keep_nobody_waiting(place: Path, say: Say) -> None:
    """500 requests of which nothing more comes, half of them in their header and half in their body."""
    journal, refusals = Journal(), Refusals()
    writers = [Persevering(f"writer-{one}", lifecycles(f"writer-{one}"), journal, refusals) for one in range(4)]
    header = b"GET /api/health HTTP/1.1\r\nhost: x\r\nx-slow: "
    body = b"POST /api/ventures HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
    with serving(place) as child:
        before = vitals(child.process.pid)
        with (
            connections(child.socket_path, SLOW_CALLERS // 2, header) as headers,
            connections(child.socket_path, SLOW_CALLERS // 2, body) as bodies,
        ):
            wait_until(lambda: vitals(child.process.pid).descriptors >= before.descriptors + SLOW_CALLERS)
            with asking_after(child) as pulse, writing(child.socket_path, writers):
                wait_until(lambda: len(journal.acknowledged) >= COMMANDS and has_beaten(pulse), seconds=300)
                if LONG:
                    trickle_until_all_are_closed(headers, bodies)
            amid = vitals(child.process.pid)
        wait_until(lambda: vitals(child.process.pid).descriptors <= before.descriptors + OPENED_LATER)
        assert len(child.err) <= LINES_AT_MOST, child.err
        assert wrongs(place / "data" / "hecate.db", journal) == []
        after = vitals(child.process.pid)
    assert refusals.sentences == []
    say(f"{SLOW_CALLERS} half-sent requests: {len(child.err)} log lines; {pulse}")
    say(f"{len(journal.acknowledged):,} commands; before: {before}; amid: {amid}; after: {after}")
    assert_alive(pulse)


def trickle_until_all_are_closed(headers: list[socket.socket], bodies: list[socket.socket]) -> None:
    """Send a byte of each header from time to time; the daemon's patience ends nevertheless."""

    def all_are_closed() -> bool:
        for connection in headers:
            with suppress(OSError):
                connection.send(b"x")
        open_ones = [connection for connection in (*headers, *bodies) if not is_ended(connection)]
        return not open_ones

    wait_until(all_are_closed, seconds=60)


def has_beaten(pulse: Pulse) -> bool:
    """Tell whether the daemon was asked often enough to say something about it."""
    return len(pulse.seconds) + len(pulse.unanswered) > 10


def assert_alive(pulse: Pulse) -> None:
    """Check that the daemon said how it is each time, and in the long form, that it did so at once."""
    assert pulse.unanswered == []
    assert has_beaten(pulse)
    if LONG:
        assert percentile(pulse.seconds, 0.99) < 0.1, pulse


def test_one_that_lets_others_wait_would_be_seen(place: Path, say: Say) -> None:
    """The control: where half-sent requests may take all connections there are, somebody is not answered."""
    with (
        serving_with_few_descriptors(place) as child,
        connections(child.socket_path, LIMIT),
        asking_after(child) as pulse,
    ):
        wait_until(lambda: len(pulse.unanswered) > 5)
    say(f"at {LIMIT} descriptors: {pulse}")


def test_connections_that_come_and_go_leave_nothing(place: Path, say: Say) -> None:
    """Opened and dropped, a third of them without a word, a third in a request, a third before the answer."""
    begun = (b"", b"GET /api/health HT", b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n")
    with serving(place) as child:
        come_and_go(child, begun, COME_AND_GONE // 10)
        before = vitals(child.process.pid)
        with asking_after(child) as pulse:
            come_and_go(child, begun, COME_AND_GONE)
            wait_until(lambda: has_beaten(pulse))
        wait_until(lambda: vitals(child.process.pid).descriptors <= before.descriptors + OPENED_LATER)
        after = vitals(child.process.pid)
        assert after.threads <= before.threads
        assert after.resident_mib < before.resident_mib + 10
        assert len(child.err) <= LINES_AT_MOST, child.err
    say(f"{COME_AND_GONE:,} connections: {pulse}; before: {before}; after: {after}")
    assert_alive(pulse)


def come_and_go(child: Child, begun: tuple[bytes, ...], count: int) -> None:
    """Open and drop *count* connections, a hundred at a time, as fast as the daemon takes them."""
    for number in range(0, count, 100):
        with connections(child.socket_path, 100, begun[number // 100 % len(begun)]):
            pass
        # They are taken in their order, so that this answer says that all before it were.
        child.request("/api/health")


def test_readers_that_hardly_read_cost_little(place: Path, say: Say) -> None:
    """Streams of which a byte is taken now and then: what they do not take waits in the store, not in memory."""
    journal, refusals = Journal(), Refusals()
    writer = Persevering("writer", big_ventures("writer", KILOBYTES_A_COMMAND), journal, refusals)
    ask = b"GET /api/events?after=0 HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n"
    with serving(place) as child, connections(child.socket_path, SLOW_READERS, ask) as readers:
        assert all(reader.recv(12) == b"HTTP/1.1 200" for reader in readers)
        before = vitals(child.process.pid)
        with asking_after(child) as pulse, writing(child.socket_path, [writer]):
            wait_until(
                lambda: take_a_byte(readers) > 0 and len(journal.acknowledged) >= BIG_COMMANDS and has_beaten(pulse),
                seconds=300,
            )
        after = vitals(child.process.pid)
        unread_mib = SLOW_READERS * len(journal.acknowledged) * KILOBYTES_A_COMMAND / 1000
        assert after.resident_mib - before.resident_mib < unread_mib / 3
        assert len(child.err) <= LINES_AT_MOST, child.err
        assert wrongs(place / "data" / "hecate.db", journal) == []
    say(f"{SLOW_READERS} readers with {unread_mib:.0f} MB unread: {pulse}; before: {before}; after: {after}")
    assert_alive(pulse)


def take_a_byte(readers: list[socket.socket]) -> int:
    """Read one byte from each, and return how many came."""
    return sum(len(reader.recv(1)) for reader in readers)
