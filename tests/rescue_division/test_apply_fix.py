"""Desk: apply a fix."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from hecate.dossiers.errors import Invalid, Refused
from hecate.rescue_division import PROCESS
from hecate.rescue_division.apply_fix import DESK, ApplyFix
from hecate.rescue_division.diagnosed_incidents import IncidentDiagnosed, ProposedFix
from tests.calling import Caller
from tests.daemon.child import wait_until
from tests.deciding import decided
from tests.long_jobs import end_of_job
from tests.package_index import PackageIndex
from tests.rescue_division.trouble import PATCH, RIGHT, USELESS, WRONG, Trouble, trouble
from tests.serving import serving
from tests.small_disk import small_disk


def diagnosed(patch: str) -> IncidentDiagnosed:
    """Return a diagnosis that proposes *patch*."""
    return IncidentDiagnosed("diag-1", "inc-1", "x", "y", None, (), ProposedFix(patch=patch), "", 0, 0, None)


def incident_is_open(division: Trouble) -> bool:
    """Tell whether the division's health is still troubled."""
    venture = division.caller.get(f"/api/divisions/{division.division_id}").json["division"]
    return bool(venture["health"] == "degraded")


def test_a_patch_that_holds_is_committed_and_closes_the_incident(division: Trouble) -> None:
    """One commit of these files, in the daemon's name; what a person has not committed stays so."""
    (division.workspace / "notes.txt").write_text("mine")
    division.git("add", "notes.txt")
    reply = division.fix(patch=PATCH)
    assert reply.status == 201, reply
    (event,) = reply.json["events"]
    assert event["type"] == "fix_applied_v1"
    assert event["data"]["closes"] is True
    assert event["data"]["commit"] == division.git("rev-parse", "HEAD")
    assert division.source == RIGHT
    assert division.git("show", "--name-only", "--format=%an %s") == "Hecate auth: add, do not subtract\n\nauth/sums.py"
    assert f"Hecate-Job: {reply.json['job_id']}" in division.git("show", "--format=%b")
    assert division.git("status", "--porcelain") == "A  notes.txt"
    wait_until(lambda: not incident_is_open(division))
    assert [item["kind"] for item in division.listed] == ["fix"]


def test_a_patch_that_does_not_hold_is_taken_back(division: Trouble) -> None:
    """The tests say so; the workspace is as it was, and the reason is recorded."""
    before = division.git("rev-parse", "HEAD")
    reply = division.fix(patch=USELESS)
    assert (reply.status, reply.code) == (409, "conflict")
    assert "with the patch the tests do not pass: failed: 0 of 1 passed" in reply.json["error"]
    assert division.source == WRONG
    assert (division.git("rev-parse", "HEAD"), division.git("status", "--porcelain")) == (before, "")
    (failed,) = division.listed
    assert (failed["kind"], failed["reason"]) == ("failed_fix", reply.json["error"])
    assert incident_is_open(division)


def test_a_patch_may_make_and_remove_and_rename_files(division: Trouble) -> None:
    """Whatever git can say, it does at once; taken back, it is as if nothing had been."""
    division.commit(auth__old="OLD = 1\n", auth__moved="a = 1\nb = 2\nc = 3\n")
    patch = PATCH + dedent("""\
        diff --git a/auth/old.py b/auth/old.py
        deleted file mode 100644
        --- a/auth/old.py
        +++ /dev/null
        @@ -1 +0,0 @@
        -OLD = 1
        diff --git a/auth/moved.py b/auth/sub/moved here.py
        similarity index 100%
        rename from auth/moved.py
        rename to auth/sub/moved here.py
        diff --git a/auth/run.sh b/auth/run.sh
        new file mode 100755
        --- /dev/null
        +++ b/auth/run.sh
        @@ -0,0 +1 @@
        +echo
        """)
    assert division.fix(patch=patch.replace("a + b", "a * b")).status == 409
    assert division.git("status", "--porcelain") == ""
    assert not (division.workspace / "auth" / "sub").exists()
    assert division.fix(patch=patch).status == 201
    assert division.git("status", "--porcelain") == ""
    assert not (division.workspace / "auth" / "old.py").exists()
    assert (division.workspace / "auth" / "sub" / "moved here.py").read_text() == "a = 1\nb = 2\nc = 3\n"
    assert os.access(division.workspace / "auth" / "run.sh", os.X_OK)


def test_a_patch_may_make_a_folder_of_a_file_and_a_file_of_a_folder(division: Trouble) -> None:
    """What is in the way goes first; taken back, it is as if nothing had been."""
    division.commit(auth__file="A = 1\n", auth__folder__inner="B = 1\n")
    removed = dedent("""\
        diff --git a/{0} b/{0}
        deleted file mode 100644
        --- a/{0}
        +++ /dev/null
        @@ -1 +0,0 @@
        -{1} = 1
        """)
    made = dedent("""\
        diff --git a/{0} b/{0}
        new file mode 100644
        --- /dev/null
        +++ b/{0}
        @@ -0,0 +1 @@
        +C = 1
        """)
    patch = PATCH + removed.format("auth/file.py", "A") + made.format("auth/file.py/inner.py")
    patch += removed.format("auth/folder/inner.py", "B") + made.format("auth/folder")
    before = division.git("rev-parse", "HEAD")
    assert "the tests do not pass" in division.fix(patch=patch.replace("a + b", "a * b")).json["error"]
    assert (division.git("rev-parse", "HEAD"), division.git("status", "--porcelain")) == (before, "")
    assert division.fix(patch=patch).status == 201
    assert division.git("status", "--porcelain") == ""
    assert (division.workspace / "auth" / "file.py" / "inner.py").read_text() == "C = 1\n"
    assert (division.workspace / "auth" / "folder").read_text() == "C = 1\n"


def test_a_patch_without_prefixes_or_with_wrong_counts_applies(division: Trouble) -> None:
    """As models write them."""
    assert division.fix(patch=PATCH.replace("a/auth", "auth").replace("b/auth", "auth").rstrip("\n")).status == 201
    again = PATCH.replace("-    return a - b", "-    return a + b").replace("+    return a + b", "+    return b + a")
    assert division.fix(patch=again.replace("-1,2 +1,2", "-1,7 +1,9")).status == 201


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ("nonsense", "the patch does not apply: error: No valid patches in input"),
        (PATCH.replace("a - b", "a / b"), "the patch does not apply: error: patch failed: auth/sums.py:1"),
        (PATCH.replace("auth/sums", "auth/none"), "auth/none.py: No such file or directory"),
        (PATCH.replace("a/auth/sums", "a/../x").replace("b/auth/sums", "b/../x"), "the patch does not apply"),
        ("--- /dev/null\n+++ b/../out.py\n@@ -0,0 +1 @@\n+x\n", "invalid path"),
        ("--- /dev/null\n+++ b/.git/hooks/post-commit\n@@ -0,0 +1 @@\n+x\n", "invalid path"),
        (f"--- /dev/null\n+++ b/{'a' * 300}.py\n@@ -0,0 +1 @@\n+x\n", "File name too long"),
        ("--- /dev/null\n+++ b/out/new.py\n@@ -0,0 +1 @@\n+x\n", "leads out of the workspace"),
        ("--- /dev/null\n+++ b/hidden/hooks/post-commit\n@@ -0,0 +1 @@\n+x\n", "git repository"),
        (
            "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n",
            "makes or changes a link",
        ),
        (PATCH.replace("a - b", "a + b").replace("+    return a + b", "     return a + b"), "the patch does not apply"),
    ],
)
def test_a_patch_that_may_not_or_does_not_apply_changes_nothing(
    division: Trouble, tmp_path: Path, patch: str, why: str
) -> None:
    """The reason is git's or ours; nothing is written anywhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (division.workspace / "out").symlink_to(outside)
    (division.workspace / "hidden").symlink_to(division.workspace / ".git")
    before = division.git("status", "--porcelain")
    reply = division.fix(patch=patch)
    assert (reply.status, reply.code) == (409, "conflict")
    assert why in reply.json["error"]
    assert division.git("status", "--porcelain") == before
    assert list(outside.iterdir()) == []
    assert not (division.workspace / ".git" / "hooks" / "post-commit").exists()
    assert [item["kind"] for item in division.listed] == ["failed_fix"]


def test_hooks_and_filters_of_the_repository_do_not_run(division: Trouble, tmp_path: Path) -> None:
    """A repository may come from anywhere."""
    trace = tmp_path / "trace"
    for name in ("pre-commit", "post-commit", "post-checkout", "reference-transaction", "applypatch-msg"):
        hook = division.workspace / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> {trace}\n")
        hook.chmod(0o755)
    (division.workspace / ".gitattributes").write_text("*.py filter=spy\n")
    division.git("-c", "core.hooksPath=/dev/null", "add", ".gitattributes")
    division.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "attributes")
    division.git("config", "filter.spy.smudge", f"tee -a {trace}")
    division.git("config", "filter.spy.clean", f"tee -a {trace}")
    assert division.fix(patch=PATCH).status == 201
    assert division.fix(patch=_back(PATCH), branch="again").status == 409
    assert not trace.exists()


def _back(patch: str) -> str:
    return patch.replace("-    return a - b\n+    return a + b", "-    return a + b\n+    return a - b")


def test_what_a_person_is_at_work_on_is_not_swept_in(division: Trouble) -> None:
    """A file that is not committed as it is now is none for a patch."""
    division.commit(auth__sums=WRONG + "\n" * 5)
    (division.workspace / "auth" / "sums.py").write_text(WRONG + "\n" * 5 + "MINE = 1\n")
    reply = division.fix(patch=PATCH.replace("-1,2 +1,2", "-1,5 +1,5") + " \n" * 3)
    assert reply.status == 409
    assert "not committed as they are now: auth/sums.py; commit them first" in reply.json["error"]
    assert division.source.endswith("MINE = 1\n")
    assert division.source.startswith(WRONG)


def test_a_branch_leaves_the_files_alone(division: Trouble) -> None:
    """The fix is one commit on it, and the next fix goes on from there."""
    before = division.git("rev-parse", "HEAD")
    (division.workspace / "auth" / "sums.py").write_text("MINE = 1\n")
    reply = division.fix(patch=PATCH, branch="fix/sums")
    assert reply.status == 201, reply
    commit = reply.json["events"][0]["data"]["commit"]
    assert division.git("rev-parse", "fix/sums") == commit
    assert division.git("rev-parse", "fix/sums^", "HEAD").split() == [before, before]
    assert division.git("show", "fix/sums:auth/sums.py") == RIGHT.strip()
    assert division.git("diff", "--name-only", "main", "fix/sums") == "auth/sums.py"
    assert division.source == "MINE = 1\n"
    assert division.git("fsck", "--strict") == ""
    more = "--- /dev/null\n+++ b/auth/more.py\n@@ -0,0 +1 @@\n+MORE = 1\n"
    assert division.fix(patch=more, branch="fix/sums").status == 201
    assert division.git("rev-parse", "fix/sums^") == commit


@pytest.mark.timeout(180)
@pytest.mark.parametrize("branch", ["", "fix/sums"])
def test_a_fix_is_tested_with_what_the_project_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, branch: str
) -> None:
    """In an environment that is made for it, also for a copy; nothing of that is committed, or in the way."""
    index = PackageIndex(tmp_path / "index")
    index.add_installed("pytest")
    index.add("greeting", "1", {"greeting.py": ""})
    monkeypatch.setenv("HOME", str(index.home))
    with tempfile.TemporaryDirectory(prefix="hecate-") as name, serving(Path(name)) as child:
        division = trouble(Caller(child.socket_path), tmp_path / "workspace")
        declared = '[project]\nname = "auth"\nversion = "1"\ndependencies = ["greeting"]\n'
        (division.workspace / "auth" / "pyproject.toml").write_text(declared)
        division.commit(auth__test_needs="import greeting\n\n\ndef test_it_is_there() -> None:\n    assert greeting\n")
        asked = {"incident_id": division.incident_id, "description": "x", "patch": PATCH, "branch": branch}
        job = end_of_job(division.caller, f"{division.path}/fix", asked)
        assert job["state"] == "succeeded", job
        assert division.git("show", "--name-only", "--format=", branch or "HEAD") == "auth/sums.py"
        assert division.git("status", "--porcelain") == ""
        assert (division.workspace / "auth" / ".venv").exists() is (not branch)
        division.caller.close()


@pytest.mark.parametrize(
    ("branch", "why"),
    [("main", "is checked out in the workspace"), ("a..b", "no name for a branch"), ("-x", "tests do not pass")],
)
def test_a_branch_that_cannot_be_is_refused(division: Trouble, branch: str, why: str) -> None:
    """With the reason; no branch is left behind."""
    reply = division.fix(patch=USELESS, branch=branch)
    assert reply.status == 409
    assert why in reply.json["error"]
    assert division.git("branch", "--format=%(refname:short)") == "main"


def test_a_fix_that_somebody_tells_of_is_recorded_at_once(division: Trouble) -> None:
    """201, no job; the incident is closed."""
    reply = division.fix()
    assert (reply.status, reply.json["events"][0]["type"]) == (201, "fix_applied_v1")
    assert "job_id" not in reply.json
    wait_until(lambda: not incident_is_open(division))


def test_an_unknown_incident_is_refused_at_once(division: Trouble) -> None:
    """Before anything is begun, in either way."""
    for fields in ({}, {"patch": PATCH}):
        reply = division.fix(incident_id="inc-9", **fields)
        assert (reply.status, reply.code) == (409, "conflict")
        assert f"there is no incident 'inc-9' in division '{division.division_id}'" in reply.json["error"]
        assert "job_id" not in reply.json


def test_the_last_suites_command_is_the_one_that_is_run(division: Trouble) -> None:
    """Whatever it is."""
    test = f"/api/divisions/{division.division_id}/test/suite?wait=true"
    division.caller.post(test, {"command": "grep -q 'a + b' sums.py"})
    assert division.fix(patch=USELESS).status == 409
    assert division.fix(patch=PATCH).status == 201


def test_a_workspace_that_is_missing_is_told(division: Trouble) -> None:
    """Nothing is made in its place."""
    division.workspace.rename(division.workspace.with_name("elsewhere"))
    reply = division.fix(patch=PATCH)
    assert (reply.status, reply.code) == (409, "conflict")
    assert "does not exist" in reply.json["error"]
    assert not division.workspace.exists()


SLOW = "import pathlib, time\n\n\ndef test_slowly() -> None:\n    pathlib.Path('begun').touch()\n    time.sleep(600)\n"


def test_a_cancelled_fix_is_taken_back(division: Trouble) -> None:
    """While the tests run, the files are patched; afterwards they are as they were."""
    division.commit(auth__test_slow=SLOW)
    job_id = division.begin(patch=PATCH)
    wait_until((division.workspace / "auth" / "begun").exists)
    assert division.source == RIGHT
    assert division.caller.post(f"/api/jobs/{job_id}/cancel").json["job"]["state"] == "cancelled"
    assert division.source == WRONG
    assert division.listed[0]["reason"] == "the job was cancelled"


def test_what_somebody_has_changed_meanwhile_stays(division: Trouble) -> None:
    """Taking back does not overwrite it."""
    division.commit(auth__test_slow=SLOW)
    job_id = division.begin(patch=PATCH)
    wait_until((division.workspace / "auth" / "begun").exists)
    (division.workspace / "auth" / "sums.py").write_text("MINE = 1\n")
    job = division.caller.post(f"/api/jobs/{job_id}/cancel").json["job"]
    assert division.source == "MINE = 1\n"
    assert "auth/sums.py was changed by somebody else meanwhile, and stays as it is" in job["output"]["head"]


def test_a_fix_that_finds_the_disk_full_is_taken_back(asker: Caller, tmp_path: Path) -> None:
    """The tests have filled it, so the commit fails, and there is no room for a second copy of any file."""
    fills = dedent("""\
        from contextlib import suppress


        def test_fill() -> None:
            with suppress(OSError), open("ballast", "ab", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        """)
    long = "# long\n" * 10_000
    patch = PATCH.replace("@@ -1,2 +1,2 @@", "@@ -1,3 +1,3 @@") + " # long\n"
    with small_disk(tmp_path / "disk", 1024):
        division = trouble(asker, tmp_path / "disk" / "workspace")
        division.commit(auth__sums=WRONG + long, auth__test_fill=fills)
        reply = division.fix(patch=patch)
        assert reply.status == 409
        assert "git hash-object" in reply.json["error"]
        assert "No space left on device" in reply.json["error"]
        assert division.source == WRONG + long
        (division.workspace / "auth" / "ballast").unlink()
        assert division.git("status", "--porcelain") == ""


@pytest.mark.parametrize("branch", ["", "fix/sums"])
def test_a_killed_daemon_leaves_a_fix_whole_or_gone(tmp_path: Path, branch: str) -> None:
    """Killed at any step of the job: at the next start the fix is committed and recorded, or nothing of it is left."""
    steps = ("state", "applies the patch", "the tests begin", "passed", "passed: 1 of 1", "the fix is committed")
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        for number, step in enumerate(steps):
            with serving(Path(folder)) as child:
                division = trouble(Caller(child.socket_path), tmp_path / str(number))
                before = division.git("rev-parse", "--all")
                job_id = division.begin(patch=PATCH, branch=branch)
                with division.caller.feed(f"/api/jobs/{job_id}/stream") as feed:
                    while (block := b"".join(feed.block())) and step.encode() not in block:
                        pass
                    child.process.kill()
                    child.process.wait()
                division.caller.close()
            with serving(Path(folder)) as child:
                again = division._replace(caller=Caller(child.socket_path))
                state = again.caller.get(f"/api/jobs/{job_id}?wait=true").json["job"]["state"]
                is_whole = again.git("rev-parse", "--all") != before
                assert again.source == (RIGHT if is_whole and not branch else WRONG), step
                assert again.git("status", "--porcelain", "--untracked-files=no") == "", step
                assert [item["kind"] for item in again.listed] == ["fix" if is_whole else "failed_fix"], step
                assert state in ({"succeeded", "interrupted"} if is_whole else {"interrupted"})
                notes = Path(folder) / "data" / "fixes"
                assert [path.name for path in notes.glob("*") if path.name != f"{job_id}.json"] == [], step
                again.caller.close()


# -- the decision


@pytest.mark.parametrize(
    ("command", "error", "why"),
    [
        (ApplyFix("inc-1", " "), Invalid, "a fix needs a description"),
        (ApplyFix("inc-1", "x", branch="b"), Invalid, "a branch is for a patch"),
        (ApplyFix("inc-1", "x", diagnosis_id="diag-9"), Refused, "there is no diagnosis 'diag-9'"),
        (ApplyFix("inc-2", "x", diagnosis_id="diag-1"), Refused, "of incident 'inc-2'"),
        (ApplyFix("inc-1", "x", diagnosis_id="diag-1"), Refused, "proposes no patch"),
    ],
)
def test_what_cannot_be_a_fix_is_refused(command: ApplyFix, error: type[Exception], why: str) -> None:
    """Before a job is made of it."""
    with pytest.raises(error, match=why):
        decided(PROCESS, DESK, command, [diagnosed("")])


def test_a_patch_leaves_work() -> None:
    """Given, or the diagnosis's: nothing is decided before it was tried."""
    for command in (ApplyFix("inc-1", "x", PATCH), ApplyFix("inc-1", "x", diagnosis_id="diag-1")):
        given: list[Any] = [diagnosed(PATCH)]
        assert decided(PROCESS, DESK, command, given) == []
        assert DESK.leaves_work(command)
