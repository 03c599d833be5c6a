"""Desk: generate the skeleton."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import asdict, replace

from hecate.dossiers.errors import Invalid
from hecate.generate_division import PROCESS
from hecate.generate_division.generate_skeleton import DESK, GenerateSkeleton
from hecate.generate_division.record_skeleton import RECORD, RecordSkeleton, SkeletonGenerated, WrittenFile
from tests.calling import Caller
from tests.daemon.child import Child
from tests.deciding import decided
from tests.generate_division.generated import Generated, in_venture, planned
from tests.serving import serving

COMMAND = "src/auth/commands/register_user.py"
RECORDED = RecordSkeleton(
    workspace="",
    project="auth",
    language="python",
    template="python",
    files=(WrittenFile("auth/README.md", "0" * 64, 1),),
    conflicts=(),
    commit="c1",
)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for *condition* to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.005)


# -- the decisions


def test_a_relative_workspace_is_refused() -> None:
    """Relative to what?"""
    with pytest.raises(Invalid, match="absolute path"):
        decided(PROCESS, DESK, GenerateSkeleton(workspace="here"))


def test_the_same_skeleton_adds_nothing() -> None:
    """One with a new commit, or another conflict, does."""
    given = decided(PROCESS, RECORD, RECORDED)
    again = replace(RECORDED, commit="")
    assert decided(PROCESS, RECORD, again, given) == []
    changed = replace(again, conflicts=("auth/README.md",))
    assert decided(PROCESS, RECORD, changed, given) == [SkeletonGenerated(skeleton_id="skel-1", **asdict(changed))]
    assert len(decided(PROCESS, RECORD, replace(again, commit="c2"), given)) == 1


# -- what is written


def test_a_project_is_written_and_committed(division: Generated) -> None:
    """It passes its own tests; the event has every file as it is, and the commit has them and nothing else."""
    (division.workspace / "mine.txt").write_text("mine")
    recorded = division.generate()
    division.test()
    assert (recorded["project"], recorded["language"], recorded["template"]) == ("auth", "python", "python")
    for file in recorded["files"]:
        content = (division.workspace / file["path"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (file["sha256"], file["bytes"])
    committed = division.git("ls-tree", "-r", "--name-only", recorded["commit"]).splitlines()
    assert sorted(committed) == sorted(file["path"] for file in recorded["files"])
    assert division.git("rev-parse", "HEAD") == recorded["commit"]
    assert division.git("status", "--porcelain") == "?? mine.txt"
    assert [(item["kind"], item["id"]) for item in division.listed] == [("skeleton", recorded["skeleton_id"])]


def test_the_application_runs(division: Generated) -> None:
    """It takes a command, and shows what has come of it."""
    division.generate()
    with serving_project(division.project) as url:
        body = json.dumps({"user_id": "7", "email": "a@b.c"}).encode()
        command = Request(f"{url}/commands/register_user", body, {"Content-Type": "application/json"})
        with urlopen(command, timeout=10) as answer:
            assert answer.status == 201
        with urlopen(f"{url}/queries/show_user?user_id=7", timeout=10) as answer:
            assert json.load(answer)["rows"] == [
                {"stream": "user-7", "version": 1, "fields": {"user_id": "7", "email": "a@b.c"}}
            ]


@contextmanager
def serving_project(project: Path) -> Iterator[str]:
    """Serve a generated project, and give its address."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "auth", "serve", "--port", "0", "--database", f"{folder}/auth.db"],
            env={"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with process:
            assert process.stdout is not None
            found = re.fullmatch(r"listening on (\S+)\n", process.stdout.readline())
            assert found is not None
            try:
                yield found[1]
            finally:
                process.terminate()


def test_generating_again_changes_nothing(division: Generated) -> None:
    """Nor is anything recorded or committed."""
    first = division.generate()
    assert division.generate() is None
    assert division.git("rev-parse", "HEAD") == first["commit"]


def test_what_the_design_has_gained_is_added(division: Generated) -> None:
    """A desk, an aggregate; an event that had a file keeps it, and the project still passes its tests."""
    first = division.generate()
    division.caller.done(f"{division.path}/design/aggregate", {"aggregate_name": "session"})
    division.desk("lock_user")
    division.desk("open_session", aggregate_name="session")
    second = division.generate()
    new = {file["path"] for file in second["files"]} - {file["path"] for file in first["files"]}
    assert new == {
        "auth/src/auth/aggregates/session.py",
        "auth/src/auth/commands/lock_user.py",
        "auth/src/auth/commands/open_session.py",
        "auth/tests/aggregates/test_session.py",
        "auth/tests/commands/test_lock_user.py",
        "auth/tests/commands/test_open_session.py",
    }
    changed = division.git("diff-tree", "--no-commit-id", "--name-only", "-r", second["commit"]).splitlines()
    assert set(changed) == new
    division.test()


def test_a_file_that_a_person_has_changed_stays(division: Generated) -> None:
    """It is reported with the difference; everything else is generated."""
    division.generate()
    changed = division.project / COMMAND
    text = changed.read_text().replace("Ask for it.", "Ask nicely.")
    changed.write_text(text)
    division.desk("lock_user")
    reply = division.ask("skeleton")
    (event,) = reply.json["events"]
    assert event["data"]["conflicts"] == [f"auth/{COMMAND}"]
    assert f"auth/{COMMAND}" not in {file["path"] for file in event["data"]["files"]}
    assert changed.read_text() == text
    assert (division.project / "src/auth/commands/lock_user.py").exists()
    output = division.output(reply)
    assert '-    """Ask nicely."""' in output
    assert '+    """Ask for it."""' in output
    assert division.git("status", "--porcelain") == f"M auth/{COMMAND}"


def test_a_desk_that_a_person_has_changed_does_not_hide_its_gains(division: Generated) -> None:
    """A desk that had an event of its own gains the designed one, unless somebody has been at it."""
    for name in ("ban_user", "free_user"):
        division.desk(name)
    division.generate()
    mine = division.project / "src/auth/commands/free_user.py"
    mine.write_text("# mine\n")
    for name in ("user_banned", "user_freed"):
        division.event(name, "reason")
    recorded = division.generate()
    assert recorded["conflicts"] == ["auth/src/auth/commands/free_user.py"]
    assert "reason: str" in (division.project / "src/auth/commands/ban_user.py").read_text()
    assert mine.read_text() == "# mine\n"


def test_a_file_that_is_gone_comes_back(division: Generated) -> None:
    """Nothing is overwritten by that."""
    recorded = division.generate()
    (division.project / "README.md").unlink()
    assert division.generate() is None
    assert (division.project / "README.md").exists()
    assert division.git("rev-parse", "HEAD") == recorded["commit"]


def test_what_was_there_before_is_a_persons(division: Generated) -> None:
    """The generator has not written it."""
    division.project.mkdir()
    (division.project / "README.md").write_text("mine")
    assert division.generate()["conflicts"] == ["auth/README.md"]
    assert (division.project / "README.md").read_text() == "mine"


def test_another_workspace_may_be_named(division: Generated, tmp_path: Path) -> None:
    """For this division; it is there that its desks are generated then."""
    other = tmp_path / "other"
    other.mkdir()
    recorded = division.generate(workspace=str(other))
    assert recorded["workspace"] == str(other)
    assert (other / "auth" / COMMAND).exists()
    assert list(division.workspace.iterdir()) == []
    division.desk("lock_user")
    division.generate("desk", desk_name="lock_user")
    assert (other / "auth/src/auth/commands/lock_user.py").exists()


def test_divisions_whose_names_look_alike_have_folders_of_their_own(division: Generated) -> None:
    """And keep them."""
    other = in_venture(division.caller, division.venture_id, division.workspace, "Auth!")
    assert division.generate()["project"] == "auth"
    assert other.generate()["project"] == "auth-2"
    assert other.generate() is None
    assert division.generate() is None


# -- what stands in the way


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"workspace": "/nowhere/at/all"}, "does not exist"),
        ({"template": "nothing"}, "there is no template 'nothing'; there are eventsourcing, python"),
        ({"template": "../python"}, "there is no template '../python'"),
    ],
)
def test_what_is_missing_is_said(division: Generated, asked: dict[str, str], said: str) -> None:
    """And nothing is written."""
    reply = division.ask("skeleton", **asked)
    assert (reply.status, reply.code) == (409, "conflict")
    assert said in reply.json["error"]
    assert list(division.workspace.iterdir()) == []


def test_a_file_in_the_way_leaves_nothing_behind(division: Generated) -> None:
    """Half of a skeleton would be worse than none."""
    (division.project / "tests").mkdir(parents=True)
    (division.project / "tests" / "queries").write_text("in the way")
    reply = division.ask("skeleton")
    assert reply.status == 409
    assert "cannot" in reply.json["error"]
    left = [path.relative_to(division.project) for path in division.project.rglob("*") if path.is_file()]
    assert left == [Path("tests/queries")]
    assert division.listed == []


def test_a_link_that_leads_out_is_not_followed(division: Generated, tmp_path: Path) -> None:
    """What is outside the workspace is nobody's business here."""
    outside = tmp_path / "outside"
    outside.mkdir()
    division.project.symlink_to(outside)
    reply = division.ask("skeleton")
    assert reply.status == 409
    assert "leads out of the workspace" in reply.json["error"]
    assert list(outside.iterdir()) == []


# -- with a daemon of one's own


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


@contextmanager
def calling(child: Child) -> Iterator[Caller]:
    """Give a client of a daemon."""
    caller = Caller(child.socket_path)
    try:
        yield caller
    finally:
        caller.close()


def own_template(place: Path, text: str) -> None:
    """Write a template called ``acme`` that replaces the README's."""
    file = place / "templates" / "acme" / "__project__" / "README.md.jinja"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_templates_of_ones_own_are_beside_the_configuration(place: Path) -> None:
    """A mistake in one is told with its line; one that takes all memory, or never ends, harms nobody."""
    own_template(place, "# {{ project.division }}, ours\n")
    readme = place / "templates" / "acme" / "__project__" / "README.md.jinja"
    with serving(place) as child, calling(child) as caller:
        division = planned(caller, place / "workspace")
        assert division.generate(template="acme")["template"] == "acme"
        assert (division.project / "README.md").read_text() == "# auth, ours\n"
        error = division.ask("skeleton", template="acne").json["error"]
        there = place / "templates"
        assert (
            error
            == f"there is no template 'acne'; there are eventsourcing, python, acme; your own are folders in {there}"
        )

        readme.write_text("one\n{{ nobody }}")
        reply = division.ask("skeleton", template="acme")
        assert reply.json["error"].startswith("template '__project__/README.md.jinja', line 2, cannot be rendered")

        readme.write_text("{{ 'x' * (10 ** 10) }}")
        assert "cannot be rendered: MemoryError" in division.ask("skeleton", template="acme").json["error"]

        endless = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
        readme.write_text(endless)
        job_id = division.begin(template="acme")
        wait_until(lambda: caller.get(f"/api/jobs/{job_id}").json["job"]["state"] == "running")
        caller.post(f"/api/jobs/{job_id}/cancel")
        assert caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]["state"] == "cancelled"


def files_in(workspace: Path) -> list[Path]:
    """Return every file but git's own."""
    return [path for path in workspace.rglob("*") if path.is_file() and ".git" not in path.relative_to(workspace).parts]


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "at once": lambda _: True,
    "when there is a repository": lambda workspace: (workspace / ".git" / "HEAD").exists(),
    "at the first file": lambda workspace: len(files_in(workspace)) >= 1,
    "after some files": lambda workspace: len(files_in(workspace)) >= 15,
    "after the last file": lambda workspace: len(files_in(workspace)) >= 38,
    "at the commit": lambda workspace: any((workspace / ".git" / "objects").glob("??/*")),
    "after the commit": lambda workspace: (workspace / ".git" / "refs" / "heads" / "main").exists(),
}


@pytest.mark.timeout(180)
def test_a_killed_daemon_leaves_a_whole_workspace(place: Path) -> None:
    """At whatever moment: there is the project or none of it, and nothing that keeps it from being generated."""
    for number, (moment, has_come) in enumerate(MOMENTS.items()):
        workspace = place / f"workspace-{number}"
        with serving(place) as child, calling(child) as caller:
            begun = planned(caller, workspace)
            job_id = begun.begin()
            wait_until(lambda has_come=has_come, workspace=workspace: has_come(workspace))  # type: ignore[misc]
            child.process.kill()
            child.end()
        with serving(place) as child, calling(child) as caller:
            division = begun._replace(caller=caller)
            state = caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]["state"]
            assert state in {"interrupted", "succeeded"}, moment
            assert len(files_in(workspace)) in {0, 38}, moment
            if state == "succeeded":
                assert len(division.listed) == 1, moment
            elif (workspace / ".git" / "HEAD").exists():
                assert division.git("status", "--porcelain", "-uall") == "", moment
            division.generate()
            assert division.listed[-1]["conflicts"] == [], moment
            assert len(division.listed[-1]["files"]) == 38, moment
            assert division.git("status", "--porcelain", "-uall") == "", moment
            division.test()


def test_what_could_not_be_taken_back_is_no_conflict(place: Path) -> None:
    """A workspace that was away when the daemon came back has still what a killed job has left; the design moves on."""
    workspace, away = place / "workspace", place / "away"
    with serving(place) as child, calling(child) as caller:
        begun = planned(caller, workspace)
        job_id = begun.begin()
        wait_until(lambda: len(files_in(workspace)) >= 15)
        child.process.kill()
        child.end()
    workspace.rename(away)
    with serving(place) as child, calling(child) as caller:
        job = caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]
        assert "what was left half done is not taken back" in job["error"]
        away.rename(workspace)
        division = begun._replace(caller=caller)
        division.event("password_changed", "at")
        division.generate()
        assert division.listed[-1]["conflicts"] == []
        assert division.git("status", "--porcelain", "-uall") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_workspace_that_is_read_only_is_said(division: Generated) -> None:
    """In a sentence, and nothing is recorded."""
    division.workspace.chmod(0o555)
    reply = division.ask("skeleton")
    division.workspace.chmod(0o755)
    assert reply.status == 409
    assert division.listed == []
