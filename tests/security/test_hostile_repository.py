"""Jobs in a repository that is made to run a program of its own: nothing of it runs, whatever the job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.generate_division.generated import planned
from tests.rescue_division.trouble import PATCH, USELESS, Trouble
from tests.security.hostile_repository import lose_a_tree, make_hostile, make_spy, sign_head


@pytest.fixture
def told(division: Trouble, tmp_path: Path) -> Path:
    """Where the division's repository, made hostile, leaves a trace if anything of it runs."""
    spy, told = make_spy(tmp_path)
    sign_head(division.workspace)
    make_hostile(division.workspace, spy)
    return told


def test_git_as_everybody_calls_it_runs_what_the_repository_wants(division: Trouble, told: Path) -> None:
    """The traps are set: without this, the tests below could not fail."""

    def traces(*words: str) -> str:
        told.unlink(missing_ok=True)
        subprocess.run(["git", *words], cwd=division.workspace, check=False, capture_output=True, timeout=20)
        return told.read_text() if told.exists() else ""

    assert "core" in traces("status"), "fsmonitor"
    assert "spy-gpg" in traces("log", "-1", "--format=%H"), "a signature is verified"
    assert "filter" in traces("hash-object", "auth/sums.py")
    assert "hook reference-transaction" in traces("update-ref", "refs/heads/new", "HEAD")
    # Another time than git has noted makes it look at the content; and nobody tells it that it need not.
    os.utime(division.workspace / "auth/sums.py", (0, 0))
    assert "filter" in traces("-c", "core.fsmonitor=false", "diff", "HEAD", "--", "auth/sums.py")
    assert "core" in traces("commit", "--allow-empty", "--message", "x") or "gpg" in told.read_text()
    lose_a_tree(division.workspace)
    assert "promisor" in traces("cat-file", "-p", "HEAD^{tree}"), "what is missing is fetched"


def test_a_fix_runs_nothing_of_it(division: Trouble, told: Path) -> None:
    """In place and on a branch, when it holds and when it is taken back."""
    assert division.fix(patch=USELESS).status == 409
    assert division.fix(patch=PATCH).status == 201
    back = PATCH.replace("-    return a - b\n+    return a + b", "-    return a + b\n+    return b + a")
    assert division.fix(patch=back, branch="fix/again").status == 201
    assert not told.exists(), told.read_text()


def test_a_suite_runs_nothing_of_it(division: Trouble, told: Path) -> None:
    """Its tests run, which is what was asked for."""
    reply = division.caller.post(f"/api/divisions/{division.division_id}/test/suite?wait=true", {})
    assert reply.status == 201, reply
    assert not told.exists(), told.read_text()


def test_what_is_missing_is_not_fetched(division: Trouble, told: Path) -> None:
    """A repository that lacks an object names where git shall ask for it, by a command of its own."""
    lose_a_tree(division.workspace)
    reply = division.fix(patch=PATCH)
    assert (reply.status, reply.code) == (409, "conflict")
    division.fix(patch=PATCH, branch="fix/again")
    assert not told.exists(), told.read_text()


def test_a_skeleton_runs_nothing_of_it(asker: Caller, tmp_path: Path) -> None:
    """Generated into somebody's repository, it is one more commit there."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    git = ("git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main")
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "--message", "x")):
        subprocess.run([*git, *words], cwd=workspace, check=True, capture_output=True)
    spy, told = make_spy(tmp_path)
    make_hostile(workspace, spy)
    generated = planned(asker, workspace).generate()
    assert generated["commit"]
    assert not told.exists(), told.read_text()
