"""Daemons in a mesh: how soon they see each other, what a call and a chat through a peer take, and what twenty cost.

All on this machine: on the loopback interface, and partitions between network namespaces (needs root and
iproute2).  So many daemons share its processors that times beside a busy neighbour say little.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import httptools
import uvloop

from bench.rig.figures import Rounds, Row, percentile, rounds, under
from bench.rig.gateway.asking import ask_streams
from bench.rig.gateway.gateways import mock
from bench.rig.gateway.target import Target
from bench.rig.run import Benchmark, Run
from tests.join_mesh.networks import network
from tests.join_mesh.rig import LEASE_SECONDS, Member, Rig, a_rig, all_see_all

PEERS = 5
MANY = 20
CALLS = 500
INPUT = {"text": "x" * 180}
"""With what is around it 200 bytes of JSON."""
MRI = "mri:capability:bench/echo"
STREAMS = 16
CHUNKS = 200
MODEL = f"mock-n{CHUNKS}-d0-t0"
"""As fast as it can."""
PACED_MODEL = f"mock-n{CHUNKS}-d5-t20"
"""As fast as a real model: the first chunk after 20 ms, then one each 5 ms."""
NAMES = ("anna", "bert", "carl")
PATIENCE_SECONDS = 30.0


def measure(run: Run) -> Iterator[Row]:
    """Give the rows of the issue's table, in its order."""
    yield from _arrival_and_death(run)
    yield from _partitions(run)
    yield from _calls(run)
    yield from _chats(run)
    yield from _many(run)


def _seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise RuntimeError("waited in vain")
        time.sleep(0.001)
    return time.monotonic() - began


def _arrival_and_death(run: Run) -> Iterator[Row]:
    from_spawn: list[float] = []
    from_ready: list[float] = []
    killed: list[float] = []
    for _ in run.each_round():
        with a_rig() as rig:
            others = rig.mesh_of(*(f"peer-{number}" for number in range(PEERS)))
            late = rig.start("late")
            late.enter(others[0])
            all_see_all([*others, late])
            names = {other.name: {one.name for one in others if one is not other} for other in others}

            def is_gone(names: dict[str, set[str]] = names, others: list[Member] = others) -> bool:
                return all(set(other.peers()) == names[other.name] for other in others)

            os.kill(late.child.process.pid, signal.SIGKILL)
            killed.append(_seconds_until(is_gone) * 1000)
            late.child.end()
            spawned = time.monotonic()
            again = rig.start("late", folder=late.folder)
            ready = time.monotonic()
            _seconds_until(lambda others=others: all("late" in other.peers() for other in others))  # type: ignore[misc]
            from_spawn.append(time.monotonic() - spawned)
            from_ready.append(max(0.0, time.monotonic() - ready))
            again.child.process.kill()
    whole = rounds(from_spawn).text("s")
    yield under(
        f"a started daemon is seen by all of {PEERS}", rounds(from_ready), 0.5, "s", beside=f"since exec: {whole}"
    )
    yield under(f"kill -9 is noticed by all of {PEERS}, TLS", rounds(killed), 50, "ms", digits=0)


def _partitions(run: Run) -> Iterator[Row]:
    frozen: list[float] = []
    healed: list[float] = []
    healed_partly: list[float] = []
    relayed: list[float] = []
    started_alone: list[float] = []
    for _ in run.each_round():
        with network(*NAMES) as hosts, a_rig() as rig:
            anna, bert, carl = rig.mesh_of(*NAMES, network=hosts, protocol="quic")
            bert.child.signal(signal.SIGSTOP)
            frozen.append(_seconds_until(lambda a=anna: "bert" not in a.peers()) / LEASE_SECONDS)  # type: ignore[misc]
            bert.child.signal(signal.SIGCONT)
            all_see_all([anna, bert, carl])
            hosts.cut("carl")
            _seconds_until(lambda a=anna, c=carl: a.sees("bert") and not c.peers())  # type: ignore[misc]
            hosts.mend("carl")
            healed.append(_seconds_until(lambda a=anna, b=bert, c=carl: _all_see_all(a, b, c)))  # type: ignore[misc]
            _offer(carl, "http://127.0.0.1:1/")
            word = _token(carl, bert)
            _seconds_until(lambda b=bert: _knows(b))  # type: ignore[misc]
            hosts.part("bert", "carl")
            # A call that reaches carl is answered: that no program serves the capability there.
            _seconds_until(lambda b=bert: b.peers().get("carl", {}).get("connection") == "relayed")  # type: ignore[misc]
            relayed.append(_seconds_until(lambda b=bert, w=word: "program that serves" in _call(b, w)))  # type: ignore[misc]
            hosts.join("bert", "carl")
            healed_partly.append(
                _seconds_until(lambda a=anna, b=bert, c=carl: _all_see_all(a, b, c))  # type: ignore[misc]
            )
            hosts.cut("carl")
            carl.child.signal(signal.SIGTERM)
            carl.child.end()
            carl = rig.start("carl", folder=carl.folder, network=hosts, protocol="quic")
            _seconds_until(lambda c=carl: c.status["identity"] is not None)  # type: ignore[misc]
            hosts.mend("carl")
            started_alone.append(
                _seconds_until(lambda a=anna, b=bert, c=carl: _all_see_all(a, b, c))  # type: ignore[misc]
            )
    lease = f"a lease of {LEASE_SECONDS:g} s"
    yield under("a frozen daemon is noticed, QUIC", rounds(frozen), 1.25, "leases", beside=lease)
    yield under(
        "all see each other after a full partition", rounds(healed), 2, "s", beside="since the cable was mended"
    )
    yield under("all see each other after a partial one", rounds(healed_partly), 2, "s")
    yield under("all see each other when one was started while it was cut off", rounds(started_alone), 2, "s")
    yield Row("a call through the third meanwhile", "", rounds(relayed).text("s"), "since the direct link was lost")


def _all_see_all(*members: Member) -> bool:
    return all(member.sees(*(one.name for one in members if one is not member)) for member in members)


def _calls(run: Run) -> Iterator[Row]:
    p50: list[float] = []
    p99: list[float] = []
    inside: list[float] = []
    with _program() as url, a_rig() as rig:
        anna, bert = rig.mesh_of("anna", "bert")
        _offer(anna, url)
        _seconds_until(lambda: _knows(bert))
        body = {"mri": MRI, "input": INPUT, "token": _token(anna, bert)}
        for _ in run.each_round():
            took: list[float] = []
            told: list[float] = []
            for _ in range(run.sized(CALLS)):
                began = time.perf_counter()
                told.append(bert.caller.post("/api/mesh/call", body).json["took_ms"])
                took.append((time.perf_counter() - began) * 1000)
            took.sort()
            told.sort()
            p50.append(percentile(took, 0.5))
            p99.append(percentile(took, 0.99))
            inside.append(percentile(told, 0.5))
    beside = f"p99 {rounds(p99).text('ms')}; without the client's own socket p50 {rounds(inside).text('ms')}"
    yield under("a call of 200 bytes to a capability, p50", rounds(p50), 1.5, "ms", beside=beside)


def _chats(run: Run) -> Iterator[Row]:
    later: list[float] = []
    share: list[float] = []
    rates: list[float] = []
    with mock() as model, a_rig() as rig:
        anna, bert = _sharing(rig, model)
        own = Target("own", str(anna.child.socket_path), "/api/llm/chat", prefix="mock/")
        through = Target("mesh", str(bert.child.socket_path), "/api/llm/chat", prefix="anna/mock/")
        for target in (own, through):
            _chat(target)
        for _ in run.each_round():
            there, here = _chat(own, PACED_MODEL), _chat(through, PACED_MODEL)
            later.append((here[0] - there[0]) * 1000)
            there, here = _chat(own), _chat(through)
            share.append(here[1] / there[1] * 100)
            rates.append(here[1])
    yield under(f"first chunk through a peer, {STREAMS} at once, later by", rounds(later), 3, "ms")
    figure = rounds(share)
    yield Row(
        "chunk rate through a peer, of its own socket's",
        "over 50 %",
        figure.text("%", 0),
        f"{Rounds(tuple(rates)).text('chunks/s', 0)}",
        figure.median > 50,
    )


def _sharing(rig: Rig, model: Target) -> tuple[Member, Member]:
    address = ":".join(map(str, model.address))
    provider = f'[providers.mock]\nkind = "openai"\nbase_url = "http://{address}/v1"\napi_key = "sk-mock"\n'
    anna = rig.start("anna", more=provider, mesh=f'share_models = ["mock/*"]\nmodels_at_once = {2 * STREAMS}')
    bert = rig.start("bert")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    _seconds_until(lambda: bool(bert.caller.get("/api/llm/models").json["models"]))
    return anna, bert


def _chat(target: Target, model: str = MODEL) -> tuple[float, float]:
    """Return when the first chunk came, p50, and how many came a second."""
    asked = ask_streams(target, model, STREAMS, 2, chunks=CHUNKS, stagger=0.002)
    return asked.p50, asked.rate


def _many(run: Run) -> Iterator[Row]:
    view: list[float] = []
    memory: list[float] = []
    cpu: list[float] = []
    for _ in range(min(run.rounds, 2)):
        with a_rig() as rig:
            members = [rig.start(f"peer-{number:02}") for number in range(MANY)]
            alone = [_rss_mb(member) for member in members]
            idle_before = _cpu_share(members, run.seconds)
            members[0].found()
            for member in members[1:]:
                member.enter(members[0])
            began = time.monotonic()
            all_see_all(members)
            view.append(time.monotonic() - began)
            time.sleep(2 * run.seconds)
            cpu.append((_cpu_share(members, 4 * run.seconds) - idle_before) * 100)
            memory.append(max(_rss_mb(member) - before for member, before in zip(members, alone, strict=True)))
    yield under(f"{MANY} daemons: all see all", rounds(view), 5, "s", beside="since the last has joined")
    yield under(f"{MANY} daemons: memory of each, more than without", rounds(memory), 60, "MB", digits=1)
    yield under(f"{MANY} daemons: of a core each, idle, more than without", rounds(cpu), 2, "%")


def _rss_mb(member: Member) -> float:
    return Target(member.name, "", pid=member.child.process.pid).rss_bytes() / 1e6


def _cpu_share(members: list[Member], seconds: float) -> float:
    """Return how much of a core each of *members* takes on average."""
    targets = [Target(member.name, "", pid=member.child.process.pid) for member in members]
    before = sum(target.cpu_seconds() for target in targets)
    time.sleep(seconds)
    return (sum(target.cpu_seconds() for target in targets) - before) / seconds / len(members)


def _offer(member: Member, url: str) -> None:
    member.caller.done("/api/mesh/capabilities", {"mri": MRI, "serve_at": url})


def _token(owner: Member, caller: Member) -> str:
    word: str = owner.caller.done("/api/mesh/tokens", {"peer": caller.name, "mri": MRI})["token"]
    return word


def _knows(member: Member) -> bool:
    return bool(member.caller.get(f"/api/mesh/capabilities?mri={MRI}").json["count"])


def _call(member: Member, word: str) -> str:
    text: str = member.caller.post("/api/mesh/call", {"mri": MRI, "token": word}).json["error"]
    return text


class _Echo(asyncio.Protocol):
    """The cheapest program that serves a capability."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        """Read more."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Answer."""
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\ntrue")


@contextmanager
def _program() -> Iterator[str]:
    loop = uvloop.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = loop.run_until_complete(loop.create_server(_Echo, sock=listener))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


BENCHMARK = Benchmark("mesh", measure, only_if_named=True)
