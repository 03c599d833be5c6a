"""JUnit XML in the dialects of those who write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hecate.suites.bounded_file import MOST_BYTES, Unreadable
from hecate.suites.junit_report import fresh_reports, named_report, read_reports
from hecate.suites.verdicts import LONGEST_MESSAGE, MOST_FAILURES, FailedTest, Verdicts

PYTEST = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="0" failures="1" tests="3">
<testcase classname="tests.test_a.TestB" name="test_c[1]" file="tests/test_a.py" line="9" time="0.1">
<failure message="AssertionError: assert 1 == 2">self = ...

&gt;       assert 1 == 2
E       assert 1 == 2

tests/test_a.py:12: AssertionError</failure><system-out>tests/other.py:99: noise</system-out></testcase>
<testcase classname="tests.test_a" name="test_d" file="tests/test_a.py" line="19"/>
<testcase classname="tests.test_a" name="test_e" file="tests/test_a.py" line="29"><skipped message="later"/></testcase>
</testsuite></testsuites>"""
GO = """<testsuites><testsuite tests="2"><testcase classname="auth" name="TestLogin" time="0.0">
<failure message="Failed" type="">    login_test.go:12: expected a session</failure></testcase>
<testcase classname="auth" name="TestLogout"/></testsuite></testsuites>"""
NEXTEST = """<testsuites><testsuite name="auth"><testcase name="login::works" classname="auth">
<flakyFailure timestamp="x" message="thread panicked"/></testcase>
<testcase name="login::breaks" classname="auth"><failure type="test failure">thread 'x' panicked at src/lib.rs:7:9:
assertion failed</failure></testcase></testsuite></testsuites>"""


def read(folder: Path, text: str, asked_for: frozenset[str] = frozenset()) -> Verdicts:
    """Return what a report says."""
    report = folder / "junit.xml"
    report.write_text(text)
    return read_reports([report], asked_for)


def test_pytests_report(tmp_path: Path) -> None:
    """Names are those that pytest takes on its command line, and the place is where it failed."""
    verdicts = read(tmp_path, PYTEST, frozenset({"tests/test_a.py::test_d"}))
    assert (verdicts.total, verdicts.passed, verdicts.failed, verdicts.skipped) == (3, 1, 1, 1)
    assert verdicts.failures == [
        FailedTest("tests/test_a.py::TestB::test_c[1]", "AssertionError: assert 1 == 2", "tests/test_a.py", 12)
    ]
    assert verdicts.passing == {"tests/test_a.py::test_d"}


def test_gos_report(tmp_path: Path) -> None:
    """As go-junit-report writes it."""
    verdicts = read(tmp_path, GO)
    assert (verdicts.passed, verdicts.failed) == (1, 1)
    assert verdicts.failures == [FailedTest("auth::TestLogin", "Failed", "login_test.go", 12)]


def test_cargos_report(tmp_path: Path) -> None:
    """As cargo-nextest writes it, which runs flaky tests again by itself."""
    verdicts = read(tmp_path, NEXTEST)
    assert (verdicts.passed, verdicts.flaky) == (1, {"auth::login::works"})
    assert verdicts.failures[0].message == "thread 'x' panicked at src/lib.rs:7:9:"


def test_several_reports_are_one(tmp_path: Path) -> None:
    """As Maven writes one for each class."""
    for name, text in (("a", GO), ("b", PYTEST)):
        (tmp_path / f"{name}.xml").write_text(text)
    assert read_reports(sorted(tmp_path.glob("*.xml"))).total == 5


def test_much_is_bounded(tmp_path: Path) -> None:
    """All are counted, and the first are told."""
    case = f'<testcase name="t"><failure message="{"long " * 1000}"/></testcase>'
    verdicts = read(tmp_path, f"<testsuite>{case * (MOST_FAILURES + 50)}</testsuite>")
    assert (verdicts.failed, len(verdicts.failures)) == (MOST_FAILURES + 50, MOST_FAILURES)
    assert len(verdicts.failures[0].message) == LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no sound XML"),
        ("no xml", "no sound XML"),
        ("<testsuite><testcase name='a'>", "no sound XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>', "declares entities"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><testsuite>&b;</testsuite>', "declares entities"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """With a word about it."""
    with pytest.raises(Unreadable, match=why):
        read(tmp_path, text)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe would have us wait, and a huge file would take our memory."""
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for name in ("pipe", "huge", ".", "missing"):
        with pytest.raises(Unreadable):
            read_reports([tmp_path / name])


def test_new_reports_are_found(tmp_path: Path) -> None:
    """In well-known places; what was there before is none of this run's."""
    for place in ("junit.xml", "target/surefire-reports/TEST-a.xml", "elsewhere.xml"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(GO)
    os.utime(tmp_path / "junit.xml", (1, 1))
    assert fresh_reports(tmp_path, 10**12) == [tmp_path / "target" / "surefire-reports" / "TEST-a.xml"]


@pytest.mark.parametrize(
    ("command", "report"),
    [
        (("pytest", "--junitxml=out/a.xml"), "out/a.xml"),
        (("pytest", "--junit-xml", "a.xml", "-x"), "a.xml"),
        (("gotestsum", "--junitfile", "a.xml"), "a.xml"),
        (("pytest", "--junitxml"), ""),
        (("pytest",), ""),
    ],
)
def test_a_command_may_name_its_report(command: tuple[str, ...], report: str) -> None:
    """In the options that are usual."""
    assert named_report(command) == report
