"""What every fault test has: a place for a daemon, and a way to say what was measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.sizes import LONG

Say = Callable[[object], None]


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a directory whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as directory:
        yield Path(directory)


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Give a function that takes down a figure; the long form shows all of them at its end."""
    return lambda figure: request.node.user_properties.append(("figure", str(figure)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what was measured."""
    if not LONG:
        return
    terminalreporter.section("figures")
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for _, figure in report.user_properties:
                terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {figure}")
