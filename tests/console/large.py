"""Measures the console on a daemon that has 1,000 divisions and 100,000 events; takes some minutes.

.venv/bin/python -m tests.console.large
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.calling import Caller
from tests.console.test_in_browser import CHROMIUM, SOURCES
from tests.serving import serving

DIVISIONS = 1000
EVENTS_EACH = 95
CALLERS = 16


def fill(socket: Path, venture_id: str, numbers: range) -> None:
    """Discover divisions and design them; some are planned, some have incidents and test runs, too."""
    caller = Caller(socket)
    for number in numbers:
        name = {"division_name": f"division-{number:04d}", "description": f"Number {number} of many"}
        division_id = caller.done(f"/api/ventures/{venture_id}/discovery/discover", name)["division_id"]
        path = f"/api/divisions/{division_id}"
        caller.done(f"{path}/design/start", {})
        caller.done(f"{path}/design/aggregate", {"aggregate_name": "thing"})
        for one in range(EVENTS_EACH):
            event = {"event_name": f"thing_{one}_happened", "aggregate_name": "thing", "payload_fields": ["a", "b"]}
            caller.done(f"{path}/design/event", event)
        if number % 2:
            caller.done(f"{path}/plan/start", {})
        if number % 3 == 0:
            caller.done(f"{path}/monitor/start", {})
            caller.done(f"{path}/monitor/incident", {"title": f"slow {number}", "severity": "sev2"})
        if number % 5 == 0:
            caller.done(f"{path}/test/start", {})
            caller.done(f"{path}/test/result", {"suite_type": "unit", "passed": 10, "failed": number % 2})
    caller.close()


def main() -> int:
    """Fill a daemon, and measure what a browser makes of it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, serving(Path(folder)) as daemon:
        caller = Caller(daemon.socket_path)
        venture_id: str = caller.done("/api/ventures", {"name": "large"})["id"]
        caller.done(f"/api/ventures/{venture_id}/discovery/start", {})
        caller.close()
        with ThreadPoolExecutor(CALLERS) as pool:
            parts = [range(first, DIVISIONS, CALLERS) for first in range(CALLERS)]
            list(pool.map(lambda part: fill(daemon.socket_path, venture_id, part), parts))
        words = ("node", "tests/large.mjs", str(daemon.socket_path), str(CHROMIUM))
        return subprocess.run(words, cwd=SOURCES, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
