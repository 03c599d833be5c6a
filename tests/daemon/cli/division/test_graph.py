"""``hecate division graph``: which desk needs which?"""

from __future__ import annotations

import json

from hecate.client import Client
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.test_names import venture_with


def test_it_is_drawn_in_each_form(hecate: Hecate, client: Client) -> None:
    """Mermaid unless another is asked for; the daemon's own words in each."""
    _, [auth] = venture_with(client, "drawn", "auth")
    client.division_command(auth, "plan", "start")
    for name in ("log_in", "register"):
        client.division_command(auth, "plan", "desk", {"desk_name": name})
    client.division_command(auth, "plan", "dependency", {"from_desk": "log_in", "to_desk": "register"})
    assert hecate("division", "graph", "drawn/auth").stdout == (
        'flowchart LR\n    d1["log_in (P2)"]\n    d2["register (P2)"]\n    d1 --> d2\n'
    )
    assert hecate("division", "graph", auth, "--format", "dot").stdout.startswith("digraph plan {\n")
    for words in (("--format", "json"), ("--json",)):
        assert len(json.loads(hecate("division", "graph", auth, *words).stdout)["edges"]) == 1
