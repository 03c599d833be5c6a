"""What test programs print: totals and verdicts, read as they come."""

from __future__ import annotations

import pytest

from hecate.suites.printed_verdicts import PrintedVerdicts


@pytest.mark.parametrize(
    ("lines", "words", "failing"),
    [
        (
            (
                "collecting ... collected 5 items / 1 deselected / 4 selected",
                "tests/test_a.py::test_b PASSED                 [ 25%]",
                "tests/test_a.py::test_c[a b] FAILED [ 50%]",
                "tests/test_a.py::test_d SKIPPED (later) [ 75%]",
                "tests/test_a.py::test_e ERROR [100%]",
                "FAILED tests/test_a.py::test_c[a b] - assert 1 == 2",
            ),
            "1 of 4 passed, 1 failed, 1 errors, 1 skipped",
            {"tests/test_a.py::test_c[a b]", "tests/test_a.py::test_e"},
        ),
        (
            (
                "2 workers [3 items]",
                "[gw0] [ 33%] PASSED tests/test_a.py::test_b ",
                "[gw1] [ 66%] FAILED tests/a.py::c ",
            ),
            "1 of 3 passed, 1 failed",
            {"tests/a.py::c"},
        ),
        (
            ("tests/test_a.py ..F.s   [ 71%]", "tests/test_b.py ..      [100%]"),
            "5 passed, 1 failed, 1 skipped",
            {"test 3"},
        ),
        (
            (
                "=== RUN   TestA",
                "--- PASS: TestA (0.00s)",
                "    --- FAIL: TestB/sub (0.01s)",
                "--- SKIP: TestC (0s)",
                "ok  \\tauth\\t0.1s",
            ),
            "1 passed, 1 failed, 1 skipped",
            {"TestB/sub"},
        ),
        (
            (
                "running 2 tests",
                "test a::b ... ok",
                "test a::c ... FAILED",
                "running 1 test",
                "test d ... ignored, slow",
            ),
            "1 of 3 passed, 1 failed, 1 skipped",
            {"a::c"},
        ),
        (
            ("TAP version 13", "1..3", "ok 1 - a", "not ok 2 - b", "ok 3 - c # SKIP later"),
            "1 of 3 passed, 1 failed, 1 skipped",
            {"b"},
        ),
        (("hello", "100%]", "x" * 5000 + "--- PASS: a", "--- a heading", "collected works"), "0 passed", set()),
    ],
    ids=["pytest", "pytest-xdist", "pytest dots", "go", "cargo", "TAP", "others"],
)
def test_verdicts_are_read(lines: tuple[str, ...], words: str, failing: set[str]) -> None:
    """Each in its own way."""
    printed = PrintedVerdicts()
    for line in lines:
        printed.read([line])
    assert printed.in_words == words
    assert set(printed.verdicts.failing) == failing


def test_only_news_are_told() -> None:
    """Whoever shows them has nothing to do where there are none."""
    printed = PrintedVerdicts(frozenset({"a"}))
    assert printed.read(["ok 1 - a", "ok 2 - b"])
    assert not printed.read(["some other line", "ok"])
    assert printed.verdicts.passing == {"a"}
