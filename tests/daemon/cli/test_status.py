"""``hecate status``: where each division stands."""

from __future__ import annotations

import json

from hecate.client import Client
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.test_names import venture_with


def test_one_venture(hecate: Hecate, client: Client) -> None:
    """A row for each division, with the process that was touched last."""
    _, [auth, _] = venture_with(client, "two-divisions", "auth", "billing")
    client.division_command(auth, "design", "start")
    rows = [line.split("\t") for line in hecate("status", "two-divisions").stdout.splitlines()]
    assert rows == [
        ["two-divisions", "auth", "design_division", "active", "unknown"],
        ["two-divisions", "billing", "design_division", "pending", "unknown"],
    ]
    answer = json.loads(hecate("status", "two-divisions", "--json").stdout)
    assert answer["divisions"]["auth"]["state"] == "active"


def test_all_ventures(hecate: Hecate, client: Client) -> None:
    """Without a name every venture is shown; as JSON one document a line."""
    venture_with(client, "among-all", "auth")
    assert "among-all\tauth\t" in hecate("status").stdout
    names = [json.loads(line)["name"] for line in hecate("status", "--json").stdout.splitlines()]
    assert "among-all" in names
