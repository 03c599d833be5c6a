"""A division whose events are stored by the library `eventsourcing`: from its design to an application that answers."""

from __future__ import annotations

import json
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.calling import Caller
from tests.fakes.openai_style import Parrot
from tests.generate_division.generated import Generated, planned
from tests.long_jobs import end_of_job
from tests.package_index import PROJECTS_NEED, PackageIndex
from tests.serving import serving

pytestmark = pytest.mark.timeout(180)  # environments take their time

COMMAND = "src/auth/commands/register_user.py"
STORE = "src/auth/event_store.py"


@pytest.fixture
def library(model: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Generated]:
    """A division that is planned, and a daemon that finds the library in an index and has a model."""
    index = PackageIndex(tmp_path / "index")
    index.add_installed(*PROJECTS_NEED)
    monkeypatch.setenv("HOME", str(index.home))
    model.says.clear()
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as name,
        serving(Path(name), configuration=model.configuration) as child,
        closing(Caller(child.socket_path)) as caller,
    ):
        yield planned(caller, tmp_path / "workspace")
        # Not killed, so that no application is left.
        child.signal(signal.SIGTERM)
        child.end()


def test_it_is_tested_released_and_served(library: Generated) -> None:
    """Its own tests pass with the library, and its events are in the library's table."""
    assert library.generate(template="eventsourcing")["template"] == "eventsourcing"
    caller = library.caller
    caller.done(f"{library.path}/test/start")
    end_of_job(caller, f"{library.path}/test/suite")
    (suite,) = [one for one in caller.get(f"{library.path}/tests").json["tests"] if one["kind"] == "suite"]
    assert (suite["outcome"], suite["failed"]) == ("passed", 0), suite
    assert suite["total"] > 25
    assert library.git("status", "--porcelain") == ""

    caller.done(f"{library.path}/deploy/start")
    released = {"version": "1.0.0", "target": "service", "health_check": "http://127.0.0.1:{port}/health"}
    job = end_of_job(caller, f"{library.path}/deploy/release", released)
    assert job["state"] == "succeeded", job
    service = caller.get(f"{library.path}/service").json["service"]
    body = json.dumps({"user_id": "7", "email": "a@b.c"}).encode()
    asked = Request(f"{service['url']}/commands/register_user", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.status == 201
    reply = caller.post(f"{library.path}/deploy/service/restart?wait=true", {})
    assert reply.status == 201, reply
    with urlopen(f"{service['url']}/queries/show_user?user_id=7", timeout=10) as answer:
        (row,) = json.load(answer)["rows"]
    assert row == {"stream": "user-7", "version": 1, "fields": {"user_id": "7", "email": "a@b.c"}}
    data = caller.socket_path.parent / "data"
    with closing(sqlite3.connect(data / "services" / library.path.rpartition("/")[2] / "auth.db")) as db:
        assert db.execute("SELECT originator_id, originator_version, topic FROM stored_events").fetchall() == [
            ("user/user-7", 1, "user_registered_v1")
        ]


def test_a_desk_that_is_added_comes_from_the_same_template(library: Generated, model: Parrot) -> None:
    """And a model that fills it in is judged by a suite that has the library."""
    library.generate(template="eventsourcing")
    store = (library.project / STORE).read_bytes()
    library.desk("lock_user")
    files = {file["path"] for file in library.generate("desk", desk_name="lock_user")["files"]}
    assert f"auth/{COMMAND.replace('register', 'lock')}" in files
    assert (library.project / STORE).read_bytes() == store

    desk, test = (library.project / path for path in (COMMAND, "tests/commands/test_register_user.py"))
    refused = desk.read_text().replace("import Command, Event", "import Command, Event, Refused")
    refused = refused.replace(
        "    return [\n", '    if history:\n        raise Refused("registered already")\n    return [\n'
    )
    model.says.append(json.dumps({"desk": refused, "test": test.read_text()}))
    end_of_job(library.caller, f"{library.path}/generate/desk", {"desk_name": "register_user", "model": "parrot-1"})
    recorded = library.listed[-1]
    assert (recorded["model"], recorded["rolled_back"]) == ("openai/parrot-1", "")
    assert (library.project / ".venv").is_dir()
    assert "registered already" in desk.read_text()


def test_a_project_may_change_its_store(library: Generated) -> None:
    """What is the generator's own is renewed, and nothing is in the way."""
    library.generate()
    recorded = library.generate(template="eventsourcing")
    assert recorded["conflicts"] == []
    changed = library.git("diff", "--name-only", "HEAD~1").splitlines()
    assert changed == ["auth/README.md", "auth/pyproject.toml", f"auth/{STORE}", "auth/tests/test_event_store.py"]
