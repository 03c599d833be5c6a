"""The record of usage, as the whole daemon keeps it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.daemon.child import Child, wait_until
from tests.fakes.ollama import MODEL, ollama
from tests.serving import serving

CHAT = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}).encode()


class Place:
    """A folder for one daemon after another."""

    def __init__(self, folder: Path, provider: Any, stack: ExitStack) -> None:
        self.folder = folder
        self.usage = folder / "data" / "usage.db"
        self._provider = provider
        self._stack = stack

    def start(self, configuration: str = "") -> Child:
        """Start a daemon; it ends with the test."""
        return self._stack.enter_context(serving(self.folder, self._provider.url, configuration=configuration))


@pytest.fixture
def here(place: Path) -> Iterator[Place]:
    """A place without a daemon yet, and an Ollama."""
    with ExitStack() as stack:
        yield Place(place, stack.enter_context(ollama()), stack)


def calls(child: Child) -> int:
    """Return how many calls the daemon knows of."""
    count: int = child.request("/api/llm/usage")["total"]["calls"]
    return count


def test_an_ordinary_end_loses_nothing(here: Place) -> None:
    """What has ended a moment ago is written before the daemon ends, and nothing is left beside the file."""
    first = here.start()
    for _ in range(5):
        first.request("/api/llm/chat", CHAT)
    first.signal(signal.SIGTERM)
    assert first.end() == 0
    assert sorted(path.name for path in here.usage.parent.glob("usage.db*")) == ["usage.db"]
    assert calls(here.start()) == 5


def test_a_kill_loses_what_was_not_written_yet_and_no_more(here: Place) -> None:
    """A second after a call it is on the disk; the file is sound however the daemon ended."""
    first = here.start()
    first.request("/api/llm/chat", CHAT)
    wait_until(lambda: _rows(here.usage) == 1)
    first.request("/api/llm/chat", CHAT)
    first.process.kill()
    first.end()
    second = here.start()
    assert calls(second) in {1, 2}
    second.request("/api/llm/chat", CHAT)
    second.signal(signal.SIGTERM)
    assert second.end() == 0
    with apsw.Connection(str(here.usage)) as db:
        assert db.pragma("integrity_check") == "ok"


def _rows(path: Path) -> int:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        ((count,),) = db.execute("SELECT count(*) FROM calls")
        return int(count)
    finally:
        db.close()


def test_a_damaged_record_is_no_reason_not_to_serve(here: Place) -> None:
    """It is set aside, and the log says so."""
    first = here.start()
    first.signal(signal.SIGTERM)
    first.end()
    here.usage.write_bytes(b"no database" * 1000)
    second = here.start()
    assert "damaged" in second.wait_for_line("records are damaged")
    second.request("/api/llm/chat", CHAT)
    assert calls(second) == 1


def test_budgets_change_with_a_reload(here: Place) -> None:
    """What a provider costs and what may be spent are read again, without a restart."""
    free = "[budgets]\nper_day_usd = 0.000001\n"
    child = here.start(free)
    assert child.request("/api/llm/chat", CHAT)["cost_usd"] == 0
    file = here.folder / "config.toml"
    file.write_text(
        file.read_text().replace("[providers.ollama]", '[providers.ollama]\nprices = "openai"')
        + 'on_exceeded = "refuse"\n[llm.aliases]\n"gpt-4o" = "ollama/gpt-4o"\n'
    )
    child.signal(signal.SIGHUP)
    child.wait_for_line("configuration reloaded")
    dear = CHAT.replace(MODEL.encode(), b"ollama/gpt-4o")
    child.request("/api/llm/chat", dear)
    # Whoever asks for the figures waits until it is known what the first call of a model has cost.
    assert child.request("/api/llm/usage")["total"]["cost_usd"] > 0
    refused = child.request("/api/llm/chat", dear)
    assert (refused["code"], refused["budget"]) == ("budget_exceeded", "day")


def test_traces_that_nobody_takes_hold_nothing_up(here: Place) -> None:
    """A collector that is away is complained about, and the daemon serves and ends as ever."""
    child = here.start('[telemetry]\notlp_endpoint = "http://127.0.0.1:1"\n')
    assert child.request("/api/llm/chat", CHAT)["ok"] is True
    child.signal(signal.SIGTERM)
    assert child.end() == 0
