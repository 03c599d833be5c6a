"""The golden data directories: what a released version left on disk, and what it answered about it.

Made once for each version, from the code of that version, and never again:

    .venv/bin/python -m tests.keep_store.released_data

Everything is in it that a daemon keeps: events of every process, jobs, the answers under idempotency keys, calls of
models, polls of a health check, and the realm of a mesh, whose keys are good for nothing else.
"""

from __future__ import annotations

import io
import json
import signal
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hecate import __version__
from hecate.keep_store.data_files import LEFT_OUT, LOCK
from tests.calling import Caller
from tests.daemon.child import wait_until
from tests.fakes.ollama import MODEL, ollama
from tests.serving import serving

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
ANSWERS = "answers.json"
KEPT = """
[usage]
keep_days = 3650
[monitoring]
keep_hours = 8760
[mesh]
listen = ["tls/127.0.0.1:0"]
"""
KEY, ONCE = "made-once", {"name": "once"}
PROCESSES = {
    "design": "designs",
    "plan": "plans",
    "generate": "generations",
    "test": "tests",
    "deploy": "deployments",
    "monitor": "monitoring",
    "rescue": "rescues",
}
PASSING = {"uptime_seconds", "figures", "error_budget", "next", "restarts", "checks", "service"}
"""What is said about now, and not about what is kept."""


def main() -> None:
    """Write the data directory of this version."""
    path = GOLDEN / f"data-{__version__}.tar.gz"
    with tempfile.TemporaryDirectory(prefix="hecate-") as name, ollama() as provider:
        folder = Path(name)
        with serving(folder, provider.url, configuration=KEPT) as child:
            caller = Caller(child.socket_path)
            fill(caller, provider.url)
            answers = read_all(caller)
            caller.close()
            child.signal(signal.SIGTERM)
            child.end()
        with tarfile.open(path, "w:gz", compresslevel=9) as archive:
            for file in sorted((folder / "data").rglob("*")):
                inside = file.relative_to(folder)
                if file.is_file() and inside.parts[1] not in {*LEFT_OUT, LOCK}:
                    archive.add(file, str(inside))
            told = json.dumps(answers, indent=1).encode()
            about = tarfile.TarInfo(ANSWERS)
            about.size = len(told)
            archive.addfile(about, io.BytesIO(told))


def fill(caller: Caller, url: str) -> None:
    """Have a little of everything happen; *url* answers whoever polls it."""
    caller.post("/api/ventures", ONCE, Idempotency_Key=KEY)
    caller.done(f"/api/ventures/{caller.venture('sold')}/archive", {"reason": "sold"})
    venture_id = caller.venture("shop", brief="Sells things")
    caller.done(f"/api/ventures/{venture_id}/discovery/start")
    path = f"/api/divisions/{caller.division(venture_id)}"
    caller.division(venture_id, "billing")
    caller.done(f"/api/ventures/{venture_id}/discovery/complete")
    for process in PROCESSES:
        caller.done(f"{path}/{process}/start")
    caller.done(f"{path}/design/aggregate", {"aggregate_name": "user", "status_flags": ["ACTIVE"]})
    caller.done(f"{path}/design/event", {"event_name": "user_registered", "aggregate_name": "user"})
    for name in ("register_user", "show_profile"):
        caller.done(f"{path}/plan/desk", {"desk_name": name, "aggregate_name": "user", "priority": "P1"})
    caller.done(f"{path}/plan/dependency", {"from_desk": "show_profile", "to_desk": "register_user"})
    caller.done(f"{path}/plan/sequence")
    caller.done(f"{path}/test/suite?wait=true", {"command": "true"})
    caller.done(f"{path}/test/result", {"suite_type": "load", "passed": 3, "failed": 1, "coverage": 50})
    caller.done(f"{path}/monitor/check", {"name": "api", "target": f"{url}/api/tags", "interval_seconds": 60})
    wait_until(lambda: caller.get(path).json["division"]["health"] == "ok")
    wait_until(lambda: bool(caller.get(f"{path}/monitoring/samples").json["samples"]))
    incident = caller.done(f"{path}/monitor/incident", {"title": "logins fail", "severity": "sev1"})["id"]
    caller.done(f"{path}/monitor/objective", {"availability_percent": 99.9})
    caller.done(f"{path}/rescue/diagnose", {"incident_id": incident, "diagnosis": "two hosts", "root_cause": "haste"})
    caller.done(f"{path}/rescue/fix", {"incident_id": incident, "description": "rolled back"})
    wait_until(lambda: caller.get(path).json["division"]["health"] == "ok")
    for process in ("design", "monitor"):
        caller.done(f"{path}/{process}/complete")
    caller.done(f"{path}/plan/pause", {"reason": "asking the users"})
    caller.done(f"{path}/rescue/escalate", {"reason": "sessions are on two hosts"})
    caller.done("/api/llm/chat", {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]})
    caller.done("/api/mesh/init", {"realm": "golden"})
    wait_until(lambda: caller.get("/api/llm/usage?by=model").json["total"]["calls"] == 1)


def read_all(caller: Caller) -> dict[str, Any]:
    """Return what is answered about all that is kept, by path."""
    return {path: lasting(caller.get(path).json) for path in _paths(caller)}


def _paths(caller: Caller) -> Iterator[str]:
    yield "/api/ventures?include_archived=true"
    yield "/api/jobs"
    yield "/api/llm/usage?by=model"
    yield "/api/events?limit=500"
    for venture in caller.get("/api/ventures?include_archived=true").json["ventures"]:
        path = f"/api/ventures/{venture['id']}"
        yield from (path, f"{path}/divisions", f"{path}/status", f"{path}/board", f"{path}/timeline?limit=500")
        for division in caller.get(f"{path}/divisions").json["divisions"]:
            of = f"/api/divisions/{division['id']}"
            yield from (of, f"{of}/graph", *(f"{of}/{items}?limit=500" for items in PROCESSES.values()))


def lasting(answer: Any) -> Any:
    """Return *answer* without what is said about now."""
    if isinstance(answer, dict):
        return {name: lasting(value) for name, value in answer.items() if name not in PASSING}
    return [lasting(value) for value in answer] if isinstance(answer, list) else answer


if __name__ == "__main__":
    main()
