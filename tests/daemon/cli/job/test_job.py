"""``hecate job``, and commands whose work is followed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from hecate.client import Client
from tests.daemon.child import Child, wait_until
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.daemon.cli.test_names import venture_with


@pytest.fixture
def division(client: Client) -> str:
    """The id of a division whose test process is active."""
    _, [division] = venture_with(client, f"shop-{client.health().events}", "catalog")
    client.division_command(division, "test", "start")
    return division


def suite(script: str) -> tuple[str, ...]:
    """Return the words that ask for a suite that is a shell script."""
    return ("test/suite", f"command={shlex.join(('sh', '-c', script))}")


def test_a_command_follows_its_job(hecate: Hecate, division: str) -> None:
    """What it prints goes to standard output, what it is at to standard error, and the end says what was recorded."""
    result = hecate("division", "do", division, *suite("echo hello"))
    assert result.stdout.startswith("hello\njob\tjob-")
    assert "recorded\ttest_suite_started_v1, test_suite_finished_v1\n" in result.stdout
    assert "outcome\tpassed\n" in result.stdout
    assert "the tests begin" in result.stderr


def test_what_has_not_come_about_is_an_exit_code(hecate: Hecate, division: str) -> None:
    """A suite that fails has run to its end, and a script must see it all the same."""
    result = hecate("division", "do", division, *suite("echo broken; exit 1"), exit_code=1)
    assert "outcome\tfailed\n" in result.stdout


def test_a_job_is_shown_listed_and_cancelled(hecate: Hecate, division: str) -> None:
    """By its id, which the command prints when it does not wait."""
    [line] = [
        line
        for line in hecate("division", "do", division, *suite("echo up; sleep 1000"), "--no-wait").stdout.splitlines()
        if line.startswith("job\t")
    ]
    job_id = line.partition("\t")[2]
    assert job_id in hecate("job", "list", "--division", division).stdout
    wait_until(lambda: "up" in hecate("job", "show", job_id).stdout.splitlines())
    assert "state\tcancelled" in hecate("job", "cancel", job_id).stdout
    hecate("job", "cancel", job_id, exit_code=1)
    hecate("job", "follow", job_id, exit_code=1)
    shown = json.loads(hecate("job", "show", job_id, "--json").stdout)["job"]
    assert (shown["state"], shown["output"]["head"]) == ("cancelled", "up")
    assert hecate("job", "list", "--division", division, "--state", "running").stdout == ""


def test_ctrl_c_leaves_the_job_running(daemon: Child, client: Client, division: str, tmp_path: Path) -> None:
    """And says how to come back to it."""
    go = tmp_path / "go"
    words = suite(f"echo up; while [ ! -e {go} ]; do sleep 0.01; done")
    with Terminal("--socket", daemon.socket_path, "division", "do", division, *words) as terminal:
        terminal.wait_for("up")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "the job goes on: hecate job follow job-" in terminal.seen
    go.write_text("")
    [job] = client.jobs(division_id=division).jobs
    with client.follow_job(job.id) as messages:
        last = list(messages)[-1]
    assert last.job is not None
    assert last.job.state == "succeeded"
