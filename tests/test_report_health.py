"""Whether the daemon is well."""

from __future__ import annotations

import json
from pathlib import Path

import apsw

from hecate import __version__
from hecate.rest.app import Application
from tests.calling import Caller
from tests.dossiers.failing_disk import FailingDisk
from tests.rest.asgi import ask
from tests.whole_application import whole_application


async def health(app: Application) -> dict[str, object]:
    """Ask how *app* is."""
    content: dict[str, object] = (await ask(app, "GET", "/api/health")).json
    return content


def test_a_daemon_that_is_well_says_so(caller: Caller) -> None:
    """With its version, that of SQLite, and the number of events."""
    answer = caller.get("/api/health").json
    assert {name: answer[name] for name in ("ok", "status", "ready", "service", "version")} == {
        "ok": True,
        "status": "healthy",
        "ready": True,
        "service": "hecate",
        "version": __version__,
    }
    assert answer["sqlite_version"] == apsw.sqlite_lib_version()
    assert type(answer["uptime_seconds"]) is int
    caller.venture()
    assert caller.get("/api/health").json["events"] == answer["events"] + 1


async def test_a_store_in_doubt_is_told_of(tmp_path: Path) -> None:
    """``degraded``, not ready, and why; still 200, since the question was answered, and what is recorded is read."""
    with FailingDisk() as disk, whole_application(tmp_path) as app:
        await ask(app, "POST", "/api/ventures", b'{"name": "before"}')
        disk.on_sync = apsw.IOError("the disk has failed")
        refused = await ask(app, "POST", "/api/ventures", b'{"name": "lost"}')
        assert (refused.status, refused.code) == (503, "unavailable")
        disk.on_sync = None
        answer = await health(app)
        assert (answer["ok"], answer["status"], answer["ready"], answer["events"]) == (True, "degraded", False, 1)
        assert "restart the daemon" in str(answer["error"])
        again = await ask(app, "POST", "/api/ventures", b'{"name": "also lost"}')
        assert (again.status, again.code) == (503, "unavailable")
        listed = json.loads((await ask(app, "GET", "/api/ventures")).body)
        assert [venture["name"] for venture in listed["ventures"]] == ["before"]
