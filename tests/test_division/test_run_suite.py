"""Suites are run: what they have found is recorded, and whatever they do, their job ends and nothing is left."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid, Refused
from hecate.test_division import PROCESS
from hecate.test_division.finish_suite import FINISH, FinishSuite, TestSuiteFinished
from hecate.test_division.run_suite import DESK, RunSuite, TestSuiteStarted
from tests.calling import Caller
from tests.daemon.child import wait_until
from tests.deciding import decided
from tests.serving import serving
from tests.test_division.projects import UnderTest, under_test

PASSES = "def test_that_passes(): pass"
STARTED = TestSuiteStarted(
    suite_id="suite-0", suite_type="unit", command=("python", "-m", "pytest"), timeout_seconds=900.0
)


# -- the decisions


def test_one_suite_of_a_type_runs_at_a_time() -> None:
    """Another of the same type waits for its end; one of another type does not."""
    with pytest.raises(Refused, match="'suite-0' is running"):
        decided(PROCESS, DESK, RunSuite(), [STARTED])
    assert len(decided(PROCESS, DESK, RunSuite(suite_type="acceptance"), [STARTED])) == 1
    (finished,) = decided(PROCESS, FINISH, FinishSuite(suite_id="suite-0", suite_type="unit", outcome="passed"))
    assert isinstance(finished, TestSuiteFinished)
    assert len(decided(PROCESS, DESK, RunSuite(), [STARTED, finished])) == 1


def test_a_command_is_a_text_or_words() -> None:
    """A text is quoted as for a shell."""
    for command in ("pytest -k 'a b'", ("pytest", "-k", "a b")):
        (started,) = decided(PROCESS, DESK, RunSuite(command=command))
        assert isinstance(started, TestSuiteStarted)
        assert started.command == ("pytest", "-k", "a b")


@pytest.mark.parametrize("command", ["pytest 'a", "''", ("", "a")])
def test_a_command_that_cannot_be_read_is_refused(command: str | tuple[str, ...]) -> None:
    """Before anything is recorded."""
    with pytest.raises(Invalid, match=r"at `\$.command`"):
        decided(PROCESS, DESK, RunSuite(command=command))


def test_an_outcome_is_recorded_once() -> None:
    """A second one would contradict the first."""
    outcome = FinishSuite(suite_id="suite-0", suite_type="unit", outcome="passed")
    (finished,) = decided(PROCESS, FINISH, outcome)
    with pytest.raises(Refused, match="recorded already"):
        decided(PROCESS, FINISH, outcome, [finished])


# -- the project's own suite


def test_the_projects_own_suite(division: UnderTest) -> None:
    """Totals, failures with message and place; and nothing is left in the workspace."""
    division.write(
        tests__test_users="""
        import pytest

        def test_name():
            assert "ann" == "bob", "names differ"

        class TestLogin:
            @pytest.mark.parametrize("word", ["a b", "c"])
            def test_word(self, word): pass

        @pytest.fixture
        def broken(): raise RuntimeError("no database")

        def test_with(broken): pass

        @pytest.mark.skip(reason="later")
        def test_later(): pass
        """
    )
    suite = division.run()
    assert (suite["outcome"], suite["exit_code"], suite["reason"]) == ("failed", 1, "")
    assert [suite[key] for key in ("total", "passed", "failed", "errors", "skipped")] == [5, 2, 1, 1, 1]
    failed, error = suite["failures"]
    assert (failed["name"], failed["file"], failed["line"]) == (
        "tests/test_users.py::test_name",
        "tests/test_users.py",
        5,
    )
    assert "names differ" in failed["message"]
    assert error["name"] == "tests/test_users.py::test_with"
    assert "no database" in error["message"]
    assert suite["command" if "command" in suite else "suite_type"] == "unit"
    assert sorted(path.name for path in division.project.rglob("*")) == ["test_users.py", "tests"]


def test_a_suite_that_passes_opens_the_gate(division: UnderTest) -> None:
    """One that fails closes it again; one that was cancelled says nothing."""
    assert (division.listed["gate"], division.listed["last_run"]) == ("closed", None)
    division.write(tests__test_a=PASSES)
    assert division.run()["outcome"] == "passed"
    assert division.listed["gate"] == "open"
    assert division.listed["last_run"]["passed"] == 1
    job_id = division.begin(command="sleep 600")
    division.caller.done(f"/api/jobs/{job_id}/cancel")
    assert division.finished[-1]["outcome"] == "cancelled"
    assert division.listed["gate"] == "open"
    division.run(command="false")
    assert division.listed["gate"] == "closed"


def test_progress_is_told_while_it_runs(division: UnderTest) -> None:
    """So many of so many have passed, long before the end."""
    division.write(
        tests__test_slow="""
        import pathlib, time
        def test_first(): pass
        def test_second():
            while not pathlib.Path("go-on").exists():
                time.sleep(0.01)
        """
    )
    job_id = division.begin()
    wait_until(lambda: division.job(job_id)["message"] == "1 of 2 passed")
    shown = division.job(job_id)
    assert (shown["state"], shown["done"], shown["total"]) == ("running", 1, 2)
    (division.project / "go-on").touch()
    ended = division.job(job_id, wait=True)
    assert (ended["state"], ended["message"]) == ("succeeded", "passed: 2 of 2 passed")
    assert any("test_first PASSED" in line for line in ended["output"]["head"].splitlines())


def test_what_passes_when_it_is_run_again_is_flaky(division: UnderTest) -> None:
    """It alone is run again, and counts as passed; what fails each time stays failed."""
    division.write(
        tests__test_flaky="""
        import pathlib
        def test_sound():
            counter = pathlib.Path("sound-runs")
            counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
        def test_flaky():
            counter = pathlib.Path("runs")
            counter.write_text(counter.read_text() + "x" if counter.exists() else "x")
            assert len(counter.read_text()) > 1
        """
    )
    suite = division.run(retries=2)
    assert (suite["outcome"], suite["passed"], suite["failed"], suite["failures"]) == ("passed", 2, 0, [])
    assert suite["flaky"] == ["tests/test_flaky.py::test_flaky"]
    assert (division.project / "sound-runs").read_text() == "x"
    division.write(tests__test_broken="def test_broken(): assert False")
    suite = division.run(retries=1)
    assert (suite["outcome"], suite["passed"], suite["failed"], suite["flaky"]) == ("failed", 2, 1, [])


def test_a_suite_without_tests_has_not_passed(division: UnderTest) -> None:
    """The exit code of pytest says so."""
    suite = division.run()
    assert (suite["outcome"], suite["total"], suite["exit_code"]) == ("error", 0, 5)
    assert suite["reason"] == "exit code 5, though no test is reported as failed"


@pytest.mark.parametrize(
    "files",
    [
        {"tests__conftest": "raise SystemExit(0)"},
        {"tests__test_b": "import os\ndef test_that_ends_it_all(): os._exit(0)"},
    ],
    ids=["before the tests", "in the middle"],
)
def test_a_suite_that_ends_without_its_report_has_not_passed(division: UnderTest, files: dict[str, str]) -> None:
    """With exit code 0 it says that all is well, and has not run its tests."""
    division.write(tests__test_a=PASSES, **files)
    suite = division.run()
    assert (suite["outcome"], suite["exit_code"]) == ("error", 0)
    assert suite["reason"] == "exit code 0, though the tests were not run to their end"
    assert division.caller.get(f"/api/divisions/{division.division_id}/tests").json["gate"] == "closed"


def test_a_module_that_cannot_be_imported_is_an_error(division: UnderTest) -> None:
    """The tests of others are told of too."""
    division.write(tests__test_broken="import nowhere_to_be_found", tests__test_a=PASSES)
    suite = division.run()
    assert (suite["outcome"], suite["errors"]) == ("failed", 1)
    assert "nowhere_to_be_found" in suite["failures"][0]["message"]


# -- any command


def test_any_command_is_judged_by_its_exit_code(division: UnderTest) -> None:
    """Where it writes no report and prints nothing that is understood."""
    assert division.run(command="true")["outcome"] == "passed"
    suite = division.run(command=["sh", "-c", "exit 3"])
    assert (suite["outcome"], suite["exit_code"], suite["reason"]) == ("failed", 3, "exit code 3")


def test_what_is_printed_counts_without_a_report(division: UnderTest) -> None:
    """As Cargo prints it."""
    printed = "running 2 tests\\ntest a::works ... ok\\ntest a::breaks ... FAILED\\n"
    suite = division.run(command=["sh", "-c", f"printf '{printed}'; exit 101"])
    assert (suite["outcome"], suite["total"], suite["passed"], suite["failed"]) == ("failed", 2, 1, 1)
    assert suite["failures"][0]["name"] == "a::breaks"


def test_any_pytest_writes_a_report(division: UnderTest) -> None:
    """Also one that a script starts: it is told by the environment."""
    division.write(tests__test_a=PASSES)
    suite = division.run(command=["sh", "-c", f"{sys.executable} -m pytest -q >/dev/null"])
    assert (suite["outcome"], suite["total"]) == ("passed", 1)


def test_a_report_in_a_well_known_place_is_read_if_it_is_new(division: UnderTest) -> None:
    """An old one tells of another run."""
    report = '<testsuite><testcase classname="a" name="b"><failure message="no"/></testcase></testsuite>'
    (division.project / "junit.xml").write_text(report)
    os.utime(division.project / "junit.xml", (1, 1))
    assert division.run(command="true")["total"] == 0
    suite = division.run(command="touch junit.xml")
    assert (suite["outcome"], suite["total"], suite["failed"], suite["exit_code"]) == ("failed", 1, 1, 0)


def test_a_report_that_was_named_must_be_written(division: UnderTest) -> None:
    """Else the exit code decides, and the outcome says why."""
    suite = division.run(command="true", junit_xml="out/report.xml")
    assert (suite["outcome"], suite["reason"]) == ("passed", "the report 'out/report.xml' was not written")
    suite = division.run(command="true", junit_xml="../../../etc/passwd")
    assert "is no path inside the workspace" in suite["reason"]


def test_coverage_is_read_if_it_is_new(division: UnderTest) -> None:
    """From what coverage programs write."""
    suite = division.run(command=["sh", "-c", """echo '<coverage line-rate="0.875"/>' >coverage.xml"""])
    assert suite["coverage"] == 87.5
    os.utime(division.project / "coverage.xml", (1, 1))
    assert division.run(command="true")["coverage"] is None


def test_a_whole_command_is_run_again(division: UnderTest) -> None:
    """Its failed tests are known by their names."""
    script = (
        'echo x >>runs; if test $(wc -l <runs) -gt 1; then echo "ok 1 - login"; else echo "not ok 1 - login"; false; fi'
    )
    suite = division.run(command=["sh", "-c", script], retries=3)
    assert (suite["outcome"], suite["flaky"], suite["passed"]) == ("passed", ["login"], 1)
    assert len((division.project / "runs").read_text().splitlines()) == 2


def test_the_folder_can_be_named(division: UnderTest) -> None:
    """In the workspace, and nowhere else."""
    (division.project / "sub").mkdir()
    assert division.run(command="touch here", folder="auth/sub")["outcome"] == "passed"
    assert (division.project / "sub" / "here").exists()
    for folder in ("..", "/", "nowhere"):
        suite = division.run(command="true", folder=folder)
        assert suite["outcome"] == "error"
        assert folder in suite["reason"]


# -- bad luck


def test_a_suite_that_hangs_is_stopped(division: UnderTest) -> None:
    """With all that it has started."""
    suite = division.run(command=["sh", "-c", "trap '' TERM; sleep 600 & sleep 600"], timeout_seconds=0.5)
    assert (suite["outcome"], suite["exit_code"]) == ("timed_out", None)
    assert suite["reason"].startswith("stopped after")


def test_a_suite_leaves_no_children(division: UnderTest) -> None:
    """Not even one that has left its group and its parent."""
    script = "setsid sh -c 'echo $$ >child; exec sleep 600' >/dev/null 2>&1 & while ! test -s child; do :; done"
    division.run(command=["sh", "-c", script])
    process = int((division.project / "child").read_text())
    assert not runs(process)


def runs(process: int) -> bool:
    """Tell whether *process* runs; one that has ended may wait for its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_suite_that_kills_its_parent(division: UnderTest) -> None:
    """It hits a process between, and not the daemon."""
    suite = division.run(command=["sh", "-c", "kill -9 $PPID; sleep 600"])
    assert suite["outcome"] == "error"
    assert suite["reason"] == "ended by SIGKILL"


def test_a_suite_that_prints_without_end(division: UnderTest) -> None:
    """What is kept of it is bounded, and the rest is counted."""
    suite = division.run(command=["sh", "-c", "yes 'a line of output' | head -c 50000000"])
    assert suite["outcome"] == "passed"
    jobs = division.caller.get(f"/api/jobs?division_id={division.division_id}").json["jobs"]
    output = division.job(jobs[0]["id"])["output"]
    assert len(output["head"]) + len(output["tail"]) < 200_000
    assert output["skipped_lines"] > 1_000_000


def test_a_report_with_an_entity_bomb_is_refused(division: UnderTest) -> None:
    """It is no report, and the exit code decides."""
    bomb = '<!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY c "&a;&a;">]><testsuite><testcase name="&c;"/></testsuite>'
    suite = division.run(command=["sh", "-c", f"echo '{bomb}' >junit.xml"])
    assert (suite["outcome"], suite["total"]) == ("passed", 0)
    assert suite["reason"] == "it declares entities, which no report needs"


def test_a_missing_program_is_told(division: UnderTest) -> None:
    """The job fails, and its suite has an outcome all the same."""
    reply = division.ask(command="no-such-program-anywhere")
    assert reply.code == "conflict"
    assert division.finished[-1]["outcome"] == "error"
    assert "no-such-program-anywhere" in division.finished[-1]["reason"]


def test_a_missing_workspace_is_told(division: UnderTest) -> None:
    """The path is in the error."""
    shutil.rmtree(division.project.parent)
    reply = division.ask()
    assert reply.status == 409
    assert str(division.project.parent) in reply.json["error"]
    assert division.finished[-1]["outcome"] == "error"


def test_a_missing_project_is_told(division: UnderTest) -> None:
    """The own suite needs one; a command runs in the workspace then."""
    shutil.rmtree(division.project)
    assert "generate it, or name a command" in division.run()["reason"]
    assert division.run(command="touch here")["outcome"] == "passed"
    assert (division.project.parent / "here").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace_can_be_tested(division: UnderTest) -> None:
    """Nothing is written into it."""
    division.write(tests__test_a=PASSES)
    division.project.chmod(0o500)
    try:
        assert division.run()["outcome"] == "passed"
    finally:
        division.project.chmod(0o700)


def test_a_suite_whose_daemon_is_killed_is_interrupted() -> None:
    """At the next start; what it had left running is gone, and the next suite of its type may run."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as name:
        folder = Path(name)
        with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
            division = under_test(caller, folder / "workspace")
            job_id = division.begin(command=["sh", "-c", "echo $$ >child; echo 'ok 1 - a'; exec sleep 600"])
            wait_until(lambda: division.job(job_id)["done"] == 1)
            child.signal(signal.SIGKILL)
            child.end()
        process = int((division.project / "child").read_text())
        with serving(folder) as child, closing(Caller(child.socket_path)) as caller:
            assert not runs(process)
            division = division._replace(caller=caller)
            assert division.job(job_id)["state"] == "interrupted"
            suite = division.finished[-1]
            assert (suite["outcome"], suite["reason"][:18]) == ("interrupted", "the daemon stopped")
            assert division.run(command="true")["outcome"] == "passed"
