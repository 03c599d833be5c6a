"""``docs/cli.md`` is what the command line is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from hecate.daemon.cli import CLI
from tests.daemon.cli.reference import BEGIN, PAGE, all_commands, reference
from tests.serving import serving


def blocks() -> list[list[str]]:
    """Return the lines of each block of commands that was written by hand."""
    prose = PAGE.read_text().partition(BEGIN)[0]
    return [block.splitlines() for block in re.findall(r"```sh\n(.*?)```", prose, re.DOTALL)]


def test_the_page_has_every_command_as_it_is() -> None:
    """If this fails: ``python -m tests.daemon.cli.reference``."""
    assert PAGE.read_text().partition(BEGIN)[2].strip() == reference().strip()


def test_the_prose_names_only_commands_that_exist() -> None:
    """Every ``hecate …`` line of the page's own examples begins with a command."""
    known = {path for path, _ in all_commands()}
    called = [shlex.split(line, comments=True) for block in blocks() for line in block]
    calls = [words[words.index("hecate") :] for words in called if "hecate" in words]
    assert calls
    for words in calls:
        names = [word for word in words if not word.startswith("-")]
        assert {" ".join(names[:2]), " ".join(names[:3])} & known, words


def test_the_tour_works_as_it_is_written(place: Path) -> None:
    """Line by line, on a daemon of its own; at the end the division is planned."""
    with serving(place) as daemon:
        environ = {"HECATE_SOCKET": str(daemon.socket_path)}
        for line in filter(None, blocks()[0]):
            result = CliRunner().invoke(CLI, shlex.split(line, comments=True)[1:], env=environ, prog_name="hecate")
            assert result.exit_code == 0, (line, result.output)
            assert result.stderr == "", line
        shown = daemon.request("/api/events?limit=500")
    assert [event["type"] for event in shown["events"]][-1] == "desks_sequenced_v1"
