"""Models of a peer: listed, chatted with in every dialect, cancelled, accounted for on both sides, and limited."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from tests.calling import Reply
from tests.daemon.child import UnixConnection
from tests.fakes.ollama import MODEL, SAYS, answer, line
from tests.fakes.scripted_server import Exchange, ScriptedServer
from tests.join_mesh.rig import Member, Rig, all_see_all, eventually

REMOTE = f"anna/ollama/{MODEL}"
MESSAGES = [{"role": "user", "content": "Hello!"}]
WHOLE = "".join(SAYS)
DIMENSIONS = 700
"""Of a vector, and two: so that some hundred do not fit into one piece."""


class Waiting:
    """What happens to chats that are asked to wait."""

    begun = 0
    left = 0


async def waiting_answer(exchange: Exchange) -> None:
    """Answer as Ollama does; to ``wait`` say one word, and wait until the caller has gone."""
    if exchange.path == "/api/embed":
        inputs = exchange.json()["input"]
        vectors = [[float(number), len(text) / 4, *[0.125] * DIMENSIONS] for number, text in enumerate(inputs)]
        await exchange.answer({"model": MODEL, "embeddings": vectors, "prompt_eval_count": 3 * len(inputs)})
        return
    if exchange.path != "/api/chat" or "wait" not in exchange.json()["messages"][-1]["content"]:
        await answer(exchange)
        return
    await exchange.begin("application/x-ndjson")
    await exchange.piece(json.dumps(line("one ")) + "\n")
    Waiting.begun += 1
    await exchange.gone.wait()
    Waiting.left += 1


@pytest.fixture
def ollama_url() -> Iterator[str]:
    """Where anna's models are."""
    with waiting_ollama() as server:
        yield server.url


@contextmanager
def waiting_ollama() -> Iterator[ScriptedServer]:
    """Serve anna's models."""
    Waiting.begun = Waiting.left = 0
    with served(waiting_answer) as server:
        yield server


@contextmanager
def served(answering: Callable[[Exchange], Awaitable[None]]) -> Iterator[ScriptedServer]:
    """Serve on the loopback interface, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedServer(answering)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def two(rig: Rig, ollama_url: str, mesh: str = "") -> tuple[Member, Member]:
    """Return anna, who shares her models, and bert, who has none."""
    anna = rig.start("anna", ollama_url=ollama_url, mesh=f'share_models = ["ollama/*"]\n{mesh}')
    bert = rig.start("bert")
    anna.found()
    bert.enter(anna)
    all_see_all([anna, bert])
    return anna, bert


def models(member: Member) -> list[str]:
    """Return the ids of the models that *member* lists."""
    return [model["id"] for model in member.caller.get("/api/llm/models").json["models"]]


def chatted(member: Member, content: str = "Hello!", model: str = REMOTE, **fields: Any) -> Reply:
    """Let *member* chat."""
    body = {"model": model, "messages": [{"role": "user", "content": content}], **fields}
    return member.caller.post("/api/llm/chat", body)


def test_a_peers_model_is_used_like_ones_own(rig: Rig, ollama_url: str) -> None:
    """Listed under the peer's name, and chatted with, whole and streamed, without any set-up; healthy, too."""
    _, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    (model,) = bert.caller.get("/api/llm/models").json["models"]
    assert (model["provider"], model["name"], model["size"]) == ("anna", f"ollama/{MODEL}", "3.8B")
    assert bert.caller.get("/api/llm/health").json["providers"]["anna"]["status"] == "healthy"
    whole = chatted(bert).json
    assert (whole["content"], whole["provider"], whole["usage"]["completion_tokens"]) == (WHOLE, "anna", 8)
    lines = chatted(bert, stream=True).body.split(b"\n\n")
    said = [json.loads(one.removeprefix(b"data: ")) for one in lines if one.startswith(b"data: {")]
    assert "".join(one["content"] for one in said) == WHOLE
    assert said[-1]["done"]
    assert said[-1]["usage"]["prompt_tokens"] == 15


def test_every_dialect_reaches_a_peers_model(rig: Rig, ollama_url: str) -> None:
    """OpenAI's, Anthropic's and Ollama's, streamed or not."""
    _, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    assert REMOTE in {one["id"] for one in bert.caller.get("/v1/models").json["data"]}
    body = {"model": REMOTE, "messages": MESSAGES, "max_tokens": 100}
    assert bert.caller.post("/v1/chat/completions", body).json["choices"][0]["message"]["content"] == WHOLE
    assert bert.caller.post("/v1/messages", body).json["content"][0]["text"] == WHOLE
    assert (
        bert.caller.post("/api/chat", {"model": REMOTE, "messages": MESSAGES, "stream": False}).json["message"][
            "content"
        ]
        == WHOLE
    )
    assert b"[DONE]" in bert.caller.post("/v1/chat/completions", {**body, "stream": True}).body


def test_the_chat_ends_at_the_peer_when_its_caller_has_gone(rig: Rig, ollama_url: str) -> None:
    """A client that hangs up, and a whole daemon that is killed, cost the peer nothing more."""
    anna, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    with a_chat_that_waits(bert):
        eventually(lambda: Waiting.begun == 1)
    eventually(lambda: Waiting.left == 1)
    with a_chat_that_waits(bert):
        eventually(lambda: Waiting.begun == 2)
        os.kill(bert.child.process.pid, signal.SIGKILL)
        eventually(lambda: Waiting.left == 2)
    eventually(lambda: not anna.peers())


def test_both_sides_keep_account(rig: Rig, ollama_url: str) -> None:
    """Of tokens; the one who asks of its own venture, the other of a peer's chat."""
    anna, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    chatted(bert, venture_id="v-1")
    for member, provider in ((anna, "ollama"), (bert, "anna")):
        rows = member.caller.get("/api/llm/usage?by=provider").json
        assert provider in json.dumps(rows)
        assert '"completion_tokens": 8' in json.dumps(rows) or '"completion_tokens":8' in json.dumps(rows)


def test_only_what_is_shared_is_there(rig: Rig, ollama_url: str) -> None:
    """A model that no pattern fits is not found, a peer that is not named gets none, and `extra` is not taken."""
    anna = rig.start(
        "anna", ollama_url=ollama_url, mesh='share_models = ["ollama/llama*"]\nshare_models_with = ["bert"]'
    )
    anna.found()
    bert, carl = rig.start("bert"), rig.start("carl")
    for member in (bert, carl):
        member.enter(anna)
    all_see_all([anna, bert, carl])
    eventually(lambda: REMOTE in models(bert))
    assert chatted(bert, model="anna/ollama/other").code == "model_not_found"
    assert chatted(bert, model="anna/openai/gpt").code == "model_not_found"
    assert chatted(bert, extra={"model": "other"}).code == "validation_error"
    eventually(lambda: "anna" in carl.caller.get("/api/llm/health").json["providers"])
    assert models(carl) == []
    assert chatted(carl).code == "provider_error"
    assert anna.status["refused"]["denied"] == 1


def test_nothing_goes_to_a_peer_that_does_not_name_it(rig: Rig, ollama_url: str) -> None:
    """A model's own name finds no peer's model: what is said must not leave the machine unasked."""
    _, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    for name in (MODEL, f"ollama/{MODEL}", "llama3.2"):
        assert chatted(bert, model=name).code == "model_not_found"


def test_the_limits_hold(rig: Rig, ollama_url: str) -> None:
    """So many chats at once, and so many tokens a day, over a restart of the peer."""
    anna, bert = two(rig, ollama_url, mesh="models_at_once = 1\ntokens_a_day = 40")
    eventually(lambda: REMOTE in models(bert))
    with a_chat_that_waits(bert):
        reply = chatted(bert)
        assert (reply.status, reply.code) == (429, "provider_error")
        assert "takes no more" in reply.json["error"]
    eventually(lambda: chatted(bert).status == 200)
    eventually(lambda: "used up" in chatted(bert).json.get("error", ""))
    before = anna.status["refused"]["limit"]
    assert int(chatted(bert).headers["retry-after"]) >= 3600
    assert anna.status["refused"]["limit"] == before + 1, "it has said for how long it need not be asked again"
    assert anna.status["refused"]["limit"] >= 2


def test_a_fallback_chain_crosses_peers(rig: Rig, ollama_url: str) -> None:
    """When the peer is gone, the next one answers; and one's own model falls back to a peer's."""
    anna = rig.start("anna", ollama_url=ollama_url, mesh='share_models = ["*"]')
    dora = rig.start("dora", ollama_url=ollama_url, mesh='share_models = ["*"]')
    aliases = f'[llm.aliases]\nbig = ["anna/ollama/{MODEL}", "dora/ollama/{MODEL}"]\n[llm.retries]\nattempts = 1'
    bert = rig.start("bert", more=aliases)
    anna.found()
    dora.enter(anna)
    bert.enter(anna)
    all_see_all([anna, bert, dora])
    eventually(lambda: len(models(bert)) == 2)
    assert chatted(bert, model="big").json["provider"] == "anna"
    os.kill(anna.child.process.pid, signal.SIGKILL)
    eventually(lambda: set(bert.peers()) == {"dora"})
    answer = chatted(bert, model="big").json
    assert (answer["provider"], answer["content"]) == ("dora", WHOLE)


@contextmanager
def a_chat_that_waits(member: Member) -> Iterator[None]:
    """Have a chat under way that does not end by itself."""
    asking = UnixConnection(member.child.socket_path)
    body = {"model": REMOTE, "stream": True, "messages": [{"role": "user", "content": "wait"}]}
    asking.request("POST", "/api/llm/chat", json.dumps(body))
    response = asking.getresponse()
    assert b"one " in response.readline()
    try:
        yield
    finally:
        response.close()
        asking.close()


def test_embeddings_come_through_a_peer(rig: Rig, ollama_url: str) -> None:
    """In both dialects, many of them, in their order; accounted for on both sides, and limited as chats are."""
    anna, bert = two(rig, ollama_url, mesh="tokens_a_day = 700")
    eventually(lambda: REMOTE in models(bert))
    texts = ["x" * number for number in range(1, 201)]
    data = bert.caller.post("/v1/embeddings", {"model": REMOTE, "input": texts}).json
    assert [(one["embedding"][:2], len(one["embedding"])) for one in data["data"]] == [
        ([float(number), len(text) / 4], DIMENSIONS + 2) for number, text in enumerate(texts)
    ]
    assert data["usage"]["prompt_tokens"] == 600
    answer = bert.caller.post("/api/embed", {"model": REMOTE, "input": ["one", "two"]}).json
    assert [vector[:2] for vector in answer["embeddings"]] == [[0.0, 0.75], [1.0, 0.75]]
    for member, provider in ((anna, "ollama"), (bert, "anna")):
        (row,) = member.caller.get("/api/llm/usage?by=provider").json["rows"]
        assert (row["provider"], row["prompt_tokens"]) == (provider, 606)
    bert.caller.post("/v1/embeddings", {"model": REMOTE, "input": texts})
    reply = bert.caller.post("/v1/embeddings", {"model": REMOTE, "input": texts})
    assert (reply.status, "used up" in reply.json["error"]["message"]) == (429, True)
    reply = bert.caller.post("/v1/embeddings", {"model": "anna/openai/other", "input": texts})
    assert reply.status == 404


def test_what_is_too_long_for_the_mesh_is_said_at_once(rig: Rig, ollama_url: str) -> None:
    """Zenoh would drop it, and nobody would ever answer."""
    _, bert = two(rig, ollama_url)
    eventually(lambda: REMOTE in models(bert))
    reply = chatted(bert, "x" * 4_100_000)
    assert (reply.status, reply.code) == (400, "validation_error")
    assert "at most 4000000 bytes" in reply.json["error"]


def test_no_more_run_at_once_however_many_come_together(rig: Rig, ollama_url: str) -> None:
    """Also where the tokens of the day are looked up first."""
    _, bert = two(rig, ollama_url, mesh="models_at_once = 2\ntokens_a_day = 1000000")
    eventually(lambda: REMOTE in models(bert))
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        clients = [stack.enter_context(closing(UnixConnection(bert.child.socket_path))) for _ in range(8)]
        body = json.dumps({"model": REMOTE, "stream": True, "messages": [{"role": "user", "content": "wait"}]})

        def ask(client: UnixConnection) -> int:
            client.request("POST", "/api/llm/chat", body)
            return client.getresponse().status

        assert sorted(pool.map(ask, clients)) == [200] * 2 + [429] * 6


def test_tokens_are_counted_at_the_peer(rig: Rig, ollama_url: str) -> None:
    """By a provider of the peer's that counts beforehand; of one that does not, that is said."""
    with served(counting_anthropic) as anthropic:
        more = f'[providers.anthropic]\nbase_url = "{anthropic.url}"\napi_key = "sk-anthropic-test"'
        anna = rig.start("anna", ollama_url=ollama_url, mesh='share_models = ["*"]', more=more)
        bert = rig.start("bert")
        anna.found()
        bert.enter(anna)
        eventually(lambda: {REMOTE, "anna/anthropic/claude-x"} <= set(models(bert)))
        body = {"model": "anna/anthropic/claude-x", "messages": MESSAGES}
        assert bert.caller.post("/v1/messages/count_tokens", body).json == {"input_tokens": 2095}
        reply = bert.caller.post("/v1/messages/count_tokens", {**body, "model": REMOTE})
        assert (reply.status, "cannot count tokens" in reply.json["error"]["message"]) == (400, True)


async def counting_anthropic(exchange: Exchange) -> None:
    """Answer as Anthropic does to what is asked here."""
    if exchange.path.endswith("/count_tokens"):
        await exchange.answer({"input_tokens": 2095})
    else:
        model = {"type": "model", "id": "claude-x", "display_name": "X", "created_at": "2025-02-19T00:00:00Z"}
        await exchange.answer({"data": [model], "has_more": False, "first_id": "claude-x", "last_id": "claude-x"})
