"""The LLM gateway beside direct calls, the LiteLLM proxy and Portkey's gateway.

The provider is a mock of OpenAI's API.  A gateway has a core for itself, the mock and its clients
share another, and the gateways that are not being measured stand still.  Each is measured between
two direct runs: "added" is its figure less the mean of those two.  Hecate is asked over its Unix
socket, with all features on: as itself (``/api/llm/chat``, where every piece is read and written
anew) and in OpenAI's dialect (``/v1/chat/completions``).
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from statistics import mean
from typing import NamedTuple

from bench.rig.figures import Rounds, Row, over, rounds, under
from bench.rig.gateway.asking import Asked, ask_streams, ask_whole, chat_once
from bench.rig.gateway.gateways import PATHS, Cores, hecate, hecates, litellm, mock, on_core, portkey
from bench.rig.gateway.hanging_up import CALLERS, PHASES, WITHIN_SECONDS, Ended, hang_up
from bench.rig.gateway.idle import kilobytes_each, megabytes_more, models_cold, models_warm, with_silent_provider
from bench.rig.gateway.installed import NotHere
from bench.rig.gateway.target import Target, alone
from bench.rig.run import Benchmark, Run, say

WHOLE = "mock-n1-d0-t0"
PACED = "mock-n200-d5-t20"
BURST = "mock-n200-d0-t0"

STREAMS = 16
CHUNKS = 200
PACED_STREAM_SECONDS = 1.0
BURSTS = 4
IDLE_STREAMS = 1000
DROPPED_ROUNDS = 15


class Bracketed(NamedTuple):
    """What a target did, and the direct runs before and after it."""

    own: Asked
    before: Asked
    after: Asked

    @property
    def added_ms(self) -> float:
        """How much later the answer, or the first chunk, comes than directly."""
        return (self.own.p50 - mean((self.before.p50, self.after.p50))) * 1000

    @property
    def share_percent(self) -> float:
        """The rate, as a share of the direct one."""
        return self.own.rate / mean((self.before.rate, self.after.rate)) * 100


class Scenario(NamedTuple):
    """What is asked of each target, between two direct runs."""

    name: str
    ask: Callable[[Target, float], Asked]
    """Takes the seconds of a measurement, too."""


class Figure(NamedTuple):
    """A row for each of Hecate's chats."""

    scenario: str
    what: str
    of: Callable[[Bracketed], float]
    unit: str
    digits: int
    bound: float | None
    """None: there is no target."""
    more_is_better: bool = False


SCENARIOS = (
    Scenario("one", lambda target, seconds: _whole(target, 1, seconds)),
    Scenario("many", lambda target, seconds: _whole(target, 64, seconds)),
    # They start one after the other, so that each first chunk comes in the midst of the others' chunks.
    Scenario("paced", lambda target, _: _streams(target, PACED, 1, PACED_STREAM_SECONDS / STREAMS)),
    Scenario("burst", lambda target, _: _streams(target, BURST, BURSTS, 0.0)),
)
FIGURES = (
    Figure("one", "added p50, 1 client", lambda one: one.added_ms, "ms", 2, 0.45),
    Figure("many", "64 clients", lambda one: one.own.rate, "requests/s", 0, 6000, more_is_better=True),
    Figure("many", "CPU a request, 64 clients", lambda one: one.own.cpu * 1e6, "µs", 0, None),
    Figure("paced", "added to the first chunk, 16 paced streams", lambda one: one.added_ms, "ms", 2, 1.2),
    Figure("paced", "CPU a chunk, 16 paced streams", lambda one: one.own.cpu * 1e6, "µs", 1, 45),
    Figure("burst", "16 streams as fast as they come", lambda one: one.share_percent, "% of direct", 0, 60, True),
)

Found = Mapping[str, Mapping[str, Sequence[Bracketed]]]
"""By scenario and target, one for each round."""


def measure(run: Run) -> Iterator[Row]:
    """Give a row for each target that the gateway has."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cores = Cores.of_this_machine()
    try:
        with on_core(cores.load), mock() as direct, ExitStack() as stack:
            yield from _measured(run, cores, direct, stack)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def _measured(run: Run, cores: Cores, direct: Target, stack: ExitStack) -> Iterator[Row]:
    say("  starts")
    yield from _starts(run, cores, direct)
    daemon = stack.enter_context(hecate(run.new_place("hecate"), direct, cores))
    ours = hecates(daemon)
    peers = []
    for start in (litellm, portkey):
        try:
            peers.append(stack.enter_context(start(run.new_place(start.__name__), direct, cores)))
        except NotHere as why:
            yield Row(f"{start.__name__}: skipped", "", str(why))
    targets = (*ours, *peers)
    resting = {target.name: target.rss_bytes() / 1e6 for target in targets}
    yield under(
        "memory of an idle gateway (RSS)",
        rounds([resting.pop(ours[0].name)]),
        70,
        "MB",
        digits=0,
        beside=", ".join(f"{peer.name} {resting[peer.name]:.0f} MB" for peer in peers),
    )
    yield from _figures(_scenarios(run, direct, ours, peers), ours, peers)
    say("  hanging up, and idle streams")
    ended: dict[str, Mapping[str, Ended]] = {}
    held: dict[str, float] = {}
    for target in targets:
        with alone(target, targets):
            ended[target.name] = hang_up(target, direct)
            try:
                if target in peers:
                    held[target.name] = kilobytes_each(target, IDLE_STREAMS)
            except RuntimeError as failure:
                say(f"  {failure}")
    yield from _hanging_up(ended)
    others = ", ".join(
        f"{peer.name} {held[peer.name]:.1f} kB" if peer.name in held else f"{peer.name} does not open so many"
        for peer in peers
    )
    yield from _idle_streams(run, cores, direct, others)


def _idle_streams(run: Run, cores: Cores, direct: Target, others: str) -> Iterator[Row]:
    more = []
    for place in range(len(PATHS)):
        with hecate(run.new_place("idle"), direct, cores) as daemon:
            target = hecates(daemon)[place]
            chat_once(target, WHOLE)
            each = kilobytes_each(target, IDLE_STREAMS)
            more.append(megabytes_more(target, direct, IDLE_STREAMS, DROPPED_ROUNDS))
        what = f"{target.path}: {IDLE_STREAMS:,} open idle streams, each"
        yield under(what, rounds([each]), 25, "kB", digits=1, beside=others)
    what = f"memory added while {IDLE_STREAMS:,} streams are opened and dropped {DROPPED_ROUNDS} times"
    yield under(what, rounds(more), 3, "MB", digits=1)


def _starts(run: Run, cores: Cores, direct: Target) -> Iterator[Row]:
    ready, cold, warm = [], [], []
    for _ in range(run.rounds):
        with hecate(run.new_place("start"), direct, cores, with_silent_provider(direct)) as daemon:
            native, _dialect = hecates(daemon)
            ready.append(daemon.ready_seconds)
            cold.append(models_cold(native))
            warm.append(models_warm(native) * 1000)
    yield under("ready after a start, two providers", rounds(ready), 0.5, "s")
    yield under("/api/llm/models at once, one provider silent", rounds(cold), 2.5, "s")
    yield under("/api/llm/models later, p50", rounds(warm), 5, "ms")


def _scenarios(run: Run, direct: Target, ours: Sequence[Target], peers: Sequence[Target]) -> Found:
    targets = (*ours, *peers)
    for target in targets:
        # What a gateway looks up when a model is first called is no part of what its calls take.
        for model in (WHOLE, PACED, BURST):
            chat_once(target, model)
    found: dict[str, dict[str, list[Bracketed]]] = {
        scenario.name: {target.name: [] for target in targets} for scenario in SCENARIOS
    }
    seconds = run.seconds / 3
    for _ in run.each_round():
        for scenario in SCENARIOS:
            before = scenario.ask(direct, seconds)
            for target in targets:
                try:
                    with alone(target, targets):
                        own = scenario.ask(target, seconds)
                except (OSError, RuntimeError) as failure:
                    if target in ours:
                        raise
                    say(f"    {failure}")
                    continue
                after = scenario.ask(direct, seconds)
                found[scenario.name][target.name].append(Bracketed(own, before, after))
                before = after
    return found


def _figures(found: Found, ours: Sequence[Target], peers: Sequence[Target]) -> Iterator[Row]:
    for figure in FIGURES:
        measured = {
            name: rounds([figure.of(one) for one in each]) for name, each in found[figure.scenario].items() if each
        }
        row = over if figure.more_is_better else under
        for target in ours:
            own = measured[target.name]
            beside = ", ".join(_peer(figure, own, peer.name, measured.get(peer.name)) for peer in peers)
            what = f"{target.path}: {figure.what}"
            if figure.bound is None:
                yield Row(what, "", own.text(figure.unit, figure.digits), beside)
            else:
                yield row(what, own, figure.bound, figure.unit, beside=beside, digits=figure.digits)


def _peer(figure: Figure, ours: Rounds, name: str, theirs: Rounds | None) -> str:
    if theirs is None:
        return f"{name} breaks off"
    better = ours.median / theirs.median if figure.more_is_better else theirs.median / ours.median
    times = f"{better:.0f}" if better >= 10 else f"{better:.1f}"
    return f"{name} {theirs.median:,.{figure.digits}f} ({times} times)"


def _hanging_up(ended: Mapping[str, Mapping[str, Ended]]) -> Iterator[Row]:
    target = f"{CALLERS} of {CALLERS} in {WITHIN_SECONDS * 1000:.0f} ms"
    for phase in PHASES:
        ours = {name: phases[phase] for name, phases in ended.items() if name.startswith("Hecate")}
        beside = ", ".join(
            f"{name} {phases[phase].at_once}, {phases[phase].at_all} at all"
            for name, phases in ended.items()
            if name not in ours
        )
        least = min(one.at_once for one in ours.values())
        yield Row(f"caller gone {phase}: provider's call ended", target, f"{least}", beside, least == CALLERS)


def _whole(target: Target, clients: int, seconds: float) -> Asked:
    return ask_whole(target, target.chat(WHOLE, stream=False), clients, seconds)


def _streams(target: Target, model: str, each: int, stagger: float) -> Asked:
    return ask_streams(target, model, STREAMS, each, chunks=CHUNKS, stagger=stagger)


BENCHMARK = Benchmark("gateway", measure, only_if_named=True)
