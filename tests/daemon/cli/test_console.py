"""``hecate console``: the page in the browser."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Hecate

BROWSER = """#!/bin/sh
echo "$1" > "$(dirname "$0")/opened"
exit {status}
"""


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a display; what its browser is given is in the file ``opened``."""
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def install_browser(desktop: Path, *, status: int) -> None:
    """Put a program that opens links where the desktop looks for it."""
    program = desktop / "xdg-open"
    program.write_text(BROWSER.format(status=status))
    program.chmod(0o755)


def test_the_link_is_printed_where_there_is_no_display(hecate: Hecate, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server there is no browser."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    printed = hecate("console")
    assert printed.stdout.startswith("http://127.0.0.1:")
    assert "#ticket=" in printed.stdout
    assert "once" in printed.stderr


def test_the_browser_is_opened(hecate: Hecate, desktop: Path) -> None:
    """And the link is not printed besides: it has been used."""
    install_browser(desktop, status=0)
    opened = hecate("console")
    assert opened.stdout == ""
    assert (desktop / "opened").read_text().startswith("http://127.0.0.1:")


def test_a_browser_that_does_not_open_is_no_end(hecate: Hecate, desktop: Path) -> None:
    """The link is printed then."""
    install_browser(desktop, status=3)
    assert "#ticket=" in hecate("console").stdout


def test_the_link_can_be_asked_for(hecate: Hecate, desktop: Path) -> None:
    """For a browser of one's own choice, or a script."""
    install_browser(desktop, status=0)
    assert "#ticket=" in hecate("console", "--print").stdout
    assert json.loads(hecate("console", "--json").stdout)["expires_in_seconds"] == 60
    assert not (desktop / "opened").exists()
