"""``hecate venture``: from its set-up to its archive."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Hecate


def fields(text: str) -> dict[str, str]:
    """Return the fields that a command has printed into a pipe."""
    return dict(line.split("\t") for line in text.splitlines())


def test_a_venture_is_set_up_shown_listed_and_archived(
    hecate: Hecate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command takes the name that the first one gave; a workspace is meant from where one stands."""
    monkeypatch.chdir(tmp_path)
    made = fields(hecate("venture", "setup", "shop", "--brief", "Sells\tthings", "--workspace", "code").stdout)
    assert (made["state"], made["recorded"], made["next"]) == ("setup", "venture_setup_v1", "archive, workspace")
    shown = fields(hecate("venture", "show", "shop").stdout)
    assert (shown["id"], shown["brief"], shown["workspace"]) == (made["id"], "Sells things", f"{tmp_path}/code")
    assert ["shop", made["id"]] in [
        line.split("\t")[:2] for line in hecate("venture", "list", "--limit", "500").stdout.splitlines()
    ]
    hecate("venture", "archive", "shop", "--reason", "sold")
    assert made["id"] not in hecate("venture", "list", "--limit", "500").stdout
    assert made["id"] in hecate("venture", "list", "--all", "--limit", "500").stdout


def test_the_discovery_goes_through_its_states(hecate: Hecate) -> None:
    """The five verbs, and the divisions that are found while it is active."""
    hecate("venture", "setup", "bank")
    assert fields(hecate("venture", "start-discovery", "bank").stdout)["state"] == "active"
    found = fields(hecate("venture", "discover", "bank", "accounts", "--description", "Who has what").stdout)
    assert found["id"].startswith("div-")
    assert fields(hecate("venture", "pause-discovery", "bank", "--reason", "holidays").stdout)["state"] == "paused"
    refused = hecate("venture", "discover", "bank", "cards", exit_code=1)
    assert "Error: " in refused.stderr
    assert "it takes resume" in refused.stderr
    assert fields(hecate("venture", "resume-discovery", "bank").stdout)["state"] == "active"
    assert fields(hecate("venture", "complete-discovery", "bank").stdout)["state"] == "completed"
    assert fields(hecate("venture", "archive-discovery", "bank", "--reason", "done").stdout)["state"] == "archived"


def test_a_list_goes_on_where_a_page_ended(hecate: Hecate) -> None:
    """The note on standard error says how."""
    for number in range(3):
        hecate("venture", "setup", f"page-{number}")
    first = hecate("venture", "list", "--limit", "1")
    assert len(first.stdout.splitlines()) == 1
    assert first.stderr.startswith("there are more: --after ")
    after = first.stderr.split()[-1]
    second = hecate("venture", "list", "--limit", "1", "--after", after)
    assert second.stdout != first.stdout


def test_any_command_can_be_done(hecate: Hecate) -> None:
    """Commands that have no file here are found in the daemon's own document."""
    hecate("venture", "setup", "generic")
    hecate("venture", "do", "generic", "discovery/start")
    done = hecate("venture", "do", "generic", "discovery/discover", "division_name=auth", "--json")
    assert json.loads(done.stdout)["events"][0]["data"]["division_name"] == "auth"
    listed = [line.split("\t") for line in hecate("venture", "do", "generic").stdout.splitlines()]
    assert ["discovery/discover", "division_name* description rationale proposal_id"] in [row[:2] for row in listed]
