"""Both clients against the daemon itself: what they read is what it says."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hecate.client import PROCESSES, AsyncClient, Client, Conflict, Forgotten, Invalid, NotFound, Selection
from tests.daemon.child import Child
from tests.serving import serving


def test_a_venture_from_its_set_up_to_its_design(client: Client) -> None:
    """Every answer on the way has what the API promises."""
    assert client.health().status == "healthy"
    venture = client.set_up_venture("client-tour", brief="A platform")
    client.discovery_command(venture.id, "start")
    division = client.discovery_command(venture.id, "discover", {"division_name": "auth", "description": "Who"})
    started_design = client.division_command(division.id, "design", "start")
    assert (started_design.process, started_design.state) == ("design_division", "active")
    designed = client.division_command(division.id, "design", "aggregate", {"aggregate_name": "user"})
    assert [event.type for event in designed.events] == ["aggregate_designed_v1"]

    shown = client.venture(venture.id)
    assert (shown.name, shown.brief, shown.is_archived) == ("client-tour", "A platform", False)
    assert "client-tour" in [one.name for one in client.every_venture()]
    assert [(one.name, one.description) for one in client.every_division(venture.id)] == [("auth", "Who")]
    assert client.venture_status(venture.id).divisions["auth"].state == "active"
    assert client.division(division.id).processes["design_division"].state == "active"
    assert client.process(division.id, "design").items[0]["aggregate_name"] == "user"
    assert client.process(division.id, "plan").besides == {"uncovered_aggregates": ["user"]}
    of_venture = Selection(venture_id=venture.id)
    assert [event.type for event in client.every_event(of_venture)] == [
        "venture_setup_v1",
        "discovery_started_v1",
        "division_discovered_v1",
        "design_started_v1",
        "aggregate_designed_v1",
    ]
    first = client.events(of_venture, limit=2)
    second = client.events(Selection(venture_id=venture.id, after=first.next), limit=2)
    assert [event.version for event in (*first.events, *second.events)] == [1, 1, 2, 1]


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_has_a_read_model(client: Client, process: str) -> None:
    """Also one that has not started."""
    venture = client.set_up_venture(f"reads-{process}")
    client.discovery_command(venture.id, "start")
    division = client.discovery_command(venture.id, "discover", {"division_name": "auth"})
    view = client.process(division.id, process)
    assert (view.process.state, view.process.available_actions, view.items) == ("pending", ("start",), ())


def test_pages_follow_one_another(client: Client) -> None:
    """``next`` leads from page to page until it is None."""
    venture = client.set_up_venture("paged")
    client.discovery_command(venture.id, "start")
    for number in range(3):
        client.discovery_command(venture.id, "discover", {"division_name": f"d-{number}"})
    first = client.divisions(venture.id, limit=2)
    last = client.divisions(venture.id, limit=2, after=first.next)
    assert [division.name for division in (*first.divisions, *last.divisions)] == ["d-0", "d-1", "d-2"]
    assert last.next is None


def test_a_key_makes_a_command_one_command(client: Client) -> None:
    """The same key and fields get the same answer and record nothing; other fields are refused."""
    first = client.set_up_venture("keyed", idempotency_key="client-1")
    assert client.set_up_venture("keyed", idempotency_key="client-1") == first
    with pytest.raises(Invalid) as caught:
        client.set_up_venture("another", idempotency_key="client-1")
    assert caught.value.status == 422


def test_a_version_that_has_moved_on_is_refused(client: Client) -> None:
    """Whoever was slower is told, with 412."""
    venture = client.set_up_venture("versioned")
    discovery = client.discovery_command(venture.id, "start")
    fields = {"division_name": "auth"}
    client.discovery_command(venture.id, "discover", fields, expected_version=discovery.version)
    with pytest.raises(Conflict) as caught:
        client.discovery_command(venture.id, "pause", expected_version=discovery.version)
    assert caught.value.status == 412


def test_what_does_not_exist_is_not_found(client: Client) -> None:
    """Whether it is read, listed, followed or commanded."""
    for ask in (
        lambda: client.venture("v-0"),
        lambda: client.divisions("v-0"),
        lambda: client.division("div-0"),
        lambda: client.process("div-0", "design"),
        lambda: client.division_command("div-0", "design", "start"),
        lambda: client.every_event(Selection(venture_id="v-0")),
        lambda: next(client.follow_events(Selection(division_id="div-0"))),
    ):
        with pytest.raises(NotFound) as caught:
            ask()
        assert caught.value.request_id


def test_a_venture_is_forgotten(client: Client) -> None:
    """Once it was said that it is meant, and once only."""
    venture = client.set_up_venture("to-forget", brief="Who is who")
    would = client.forget_venture(venture.id, dry_run=True)
    assert (would.dry_run, would.events, client.venture(venture.id).name) == (True, 1, "to-forget")
    assert client.forget_venture(venture.id, dry_run=False).events == 1
    assert client.venture(venture.id).name.startswith("[forgotten ")
    with pytest.raises(Forgotten):
        client.forget_venture(venture.id, dry_run=False)


def test_a_body_over_the_limit_is_refused_in_words(client: Client) -> None:
    """Though the daemon does not read it to its end."""
    with pytest.raises(Invalid) as caught:
        client.set_up_venture("large", brief="x" * 8_000_000)
    assert caught.value.status == 413


async def test_a_body_over_the_limit_is_refused_in_words_by_the_other_client(daemon: Child) -> None:
    """The same sentence, awaited."""
    async with AsyncClient(daemon.socket_path) as client:
        with pytest.raises(Invalid) as caught:
            await client.set_up_venture("large", brief="x" * 8_000_000)
    assert caught.value.status == 413


def test_a_chat_is_answered_whole_and_in_pieces(client: Client) -> None:
    """Both have the same text; the last piece says what it cost."""
    assert client.chat("parrot", "hello there").content == "hello there"
    with client.stream_chat("openai/parrot", "hello there") as chunks:
        pieces = list(chunks)
    assert "".join(piece.content for piece in pieces).strip() == "hello there"
    assert (pieces[-1].done, pieces[-1].model, pieces[-1].finish_reason) == (True, "parrot", "stop")
    assert [model.id for model in client.models()] == ["openai/parrot"]
    assert client.providers()["openai"].status == "healthy"


async def test_the_awaited_client_does_the_same(daemon: Child) -> None:
    """Commands, lists, events and chats over asyncio."""
    async with AsyncClient(daemon.socket_path) as client:
        venture = await client.set_up_venture("awaited")
        await client.discovery_command(venture.id, "start")
        await client.discovery_command(venture.id, "discover", {"division_name": "auth"})
        assert [one.name async for one in client.every_division(venture.id)] == ["auth"]
        assert "awaited" in [one.name async for one in client.every_venture()]
        assert (await client.venture_status(venture.id)).divisions["auth"].state == "pending"
        of_venture = Selection(venture_id=venture.id)
        assert len([event async for event in await client.every_event(of_venture)]) == 3
        async with client.follow_events(of_venture) as live:
            assert [(await anext(live)).type for _ in range(2)] == ["venture_setup_v1", "discovery_started_v1"]
        async with await client.stream_chat("parrot", "hello there") as chunks:
            assert "".join([chunk.content async for chunk in chunks]).strip() == "hello there"
        assert "/api/ventures" in (await client.openapi())["paths"]


def test_live_events_outlast_a_restart_of_the_daemon(tmp_path: Path) -> None:
    """The daemon ends and starts again; the reader misses nothing, sees nothing twice, and notices nothing."""
    socket = tmp_path / "daemon.sock"
    seen: list[str] = []
    enough = threading.Event()

    def read() -> None:
        with closing(Client(socket)) as reader, reader.follow_events() as live:
            for event in live:
                seen.append(event.data["name"])
                if event.data["name"] == "after":
                    enough.set()
                    return

    with serving(tmp_path) as daemon, Client(socket) as client:
        reader = threading.Thread(target=read)
        reader.start()
        client.set_up_venture("before")
        daemon.signal(signal.SIGTERM)
        assert daemon.end() == 0
    with serving(tmp_path), Client(socket) as client:
        client.set_up_venture("after")
        assert enough.wait(20)
    reader.join()
    assert seen == ["before", "after"]
