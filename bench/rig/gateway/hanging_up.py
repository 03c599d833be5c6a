"""Callers that hang up, and whether the call of the provider ends with them."""

from __future__ import annotations

import time
from typing import NamedTuple

from bench.rig.gateway.asking import calls_of, open_streams
from bench.rig.gateway.mock_openai import NEVER_MS
from bench.rig.gateway.target import Target

CALLERS = 10
WITHIN_SECONDS = 0.05
WAITED_SECONDS = 1.0
"""For calls to end that do not at once."""
BEGIN_SECONDS = 20.0

MID_STREAM = f"mock-n2-d{NEVER_MS}-t0"
SILENT = f"mock-n1-d0-t{NEVER_MS}"
PHASES = {
    "in mid-stream": (MID_STREAM, True),
    "before the first chunk": (SILENT, True),
    "from a call that is not streamed": (SILENT, False),
}
"""For each phase of a call, the model that stays in it, and whether its answer is streamed."""


class Ended(NamedTuple):
    """Of `CALLERS` calls, how many ended: at once (`WITHIN_SECONDS`), and at all."""

    at_once: int
    at_all: int


def hang_up(target: Target, mock: Target) -> dict[str, Ended]:
    """Hang up in each phase of a call, and return what the mock saw."""
    found: dict[str, Ended] = {}
    for phase, (model, stream) in PHASES.items():
        before = calls_of(mock)
        if model == MID_STREAM:
            callers = open_streams(target, model, CALLERS)
        else:
            callers = [target.connect() for _ in range(CALLERS)]
            for caller in callers:
                caller.sendall(target.chat(model, stream=stream))
        limit = time.monotonic() + BEGIN_SECONDS
        while calls_of(mock).open < before.open + CALLERS and time.monotonic() < limit:
            time.sleep(0.01)
        seen = len(calls_of(mock).hang_ups)
        for caller in callers:
            caller.close()
        hung_up = time.monotonic()
        limit = hung_up + WAITED_SECONDS
        while len(ends := calls_of(mock).hang_ups[seen:]) < CALLERS and time.monotonic() < limit:
            time.sleep(0.02)
        found[phase] = Ended(sum(end < hung_up + WITHIN_SECONDS for end in ends), len(ends))
    return found
