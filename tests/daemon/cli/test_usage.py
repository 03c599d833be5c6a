"""``hecate usage``: what the models have cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hecate.client import Client
from hecate.daemon.cli import CLI
from tests.client.scripted_daemon import answer, scripted_daemon
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import Terminal

NOTHING = {"calls": 0, "cost_usd": None}


def report(*rows: dict[str, Any], by: str = "day", more: bool = False, total: dict[str, Any] | None = None) -> Any:
    """Return what the daemon answers."""
    return answer({"ok": True, "by": by, "rows": rows, "more": more, "total": total or NOTHING})


def shown(folder: Path, reply: Any, *words: str) -> Result:
    """Return what is printed where the daemon answers *reply*."""
    with scripted_daemon(folder, reply) as daemon:
        result = CliRunner().invoke(CLI, ["--socket", str(daemon.path), "usage", *words])
    assert result.exit_code == 0, result.output
    return result


def test_a_chat_is_in_the_account(hecate: Hecate, client: Client) -> None:
    """By its model, as the daemon counts it; the price of a model on this machine is not known."""
    client.chat("parrot", "hello")
    (line,) = [line for line in hecate("usage", "--by", "model").stdout.splitlines() if "\tparrot\t" in line]
    provider, model, calls, *_ = line.split("\t")
    assert (provider, model) == ("openai", "parrot")
    assert int(calls) >= 1
    told = json.loads(hecate("usage", "--by", "provider", "--json").stdout)
    assert told["rows"][0]["provider"] == "openai"
    assert told["rows"][0]["unpriced_calls"] >= 1


def test_a_line_has_every_figure(tmp_path: Path) -> None:
    """What is not known is empty."""
    row = {
        "venture_id": "v-1",
        "calls": 3,
        "errors": 1,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost_usd": 0.1234567,
        "unpriced_calls": 2,
        "first_token_p50_ms": 12.5,
    }
    reply = report(row, {"venture_id": "", "calls": 1, "cost_usd": None}, by="venture")
    assert shown(tmp_path, reply, "--by", "venture").stdout.splitlines() == [
        "v-1\t3\t1\t10\t20\t0.1235\t2\t12.5",
        "(none)\t1\t0\t0\t0\t\t\t",
    ]


@pytest.mark.parametrize(("words", "message"), [(("--since", "yesterday"), "`since` is 'yesterday'")])
def test_what_the_daemon_refuses_is_said(hecate: Hecate, words: tuple[str, ...], message: str) -> None:
    """In the daemon's words."""
    assert message in hecate("usage", *words, exit_code=1).stderr


def test_people_are_told_the_sum(tmp_path: Path) -> None:
    """And that there is more than is shown."""
    total = {"calls": 1234, "total_tokens": 56789, "cost_usd": 1.5, "unpriced_calls": 4}
    row = {"day": "2026-11-25", "calls": 1000, "cost_usd": 1.5}
    with (
        scripted_daemon(tmp_path, report(row, more=True, total=total)) as daemon,
        Terminal("--socket", str(daemon.path), "usage", "--limit", "1") as terminal,
    ):
        terminal.wait_for("2026-11-25")
        terminal.wait_for("1,234 calls, 56,789 tokens, 1.5000 USD; what 4 of the calls cost is not known")
        terminal.wait_for("these are the first 1 rows; --limit shows more")
