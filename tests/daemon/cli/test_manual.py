"""The manual pages are what the commands are, and ``man`` can show them."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.daemon.cli.manual import FOLDER, manual
from tests.daemon.cli.reference import all_commands

MAN = shutil.which("man")


def test_the_pages_are_the_commands() -> None:
    """If this fails: ``make man``."""
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == manual()


def test_every_command_has_its_place() -> None:
    """On its own page, or on that of its group."""
    pages = manual()
    for path, _ in all_commands():
        words = path.split()
        page = pages[f"hecate-{words[1]}.1"]
        assert rf"\fB{path}\fR".replace("-", r"\-") in page


@pytest.mark.skipif(MAN is None or shutil.which("groff") is None, reason="man and groff are not here")
def test_man_shows_them_without_a_warning() -> None:
    """Nothing in a help text is taken for a command of roff's."""
    for file in sorted(FOLDER.iterdir()):
        environ = os.environ | {"MANWIDTH": "100", "LC_ALL": "C.UTF-8"}
        shown = subprocess.run(
            [str(MAN), "--warnings=w", "--local-file", file], env=environ, capture_output=True, text=True, check=True
        )
        assert (shown.stderr, "SYNOPSIS" in shown.stdout) == ("", True), file.name
