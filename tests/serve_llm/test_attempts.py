"""A call that has failed before its answer began is made again, at the same provider and then with its fallbacks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hecate.dossiers.errors import HecateError, Invalid
from hecate.serve_llm.check_providers import ROUTES as HEALTH_ROUTES
from hecate.serve_llm.embeddings import EmbeddingRequest
from hecate.serve_llm.errors import ModelNotFound, ProviderFailed, ProviderLimited, ProviderRefused, ProviderSlow
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.settings import CircuitSettings, Deadlines, LlmSettings, ProviderSettings, Retries
from tests.fakes.scripted_server import Exchange, Script, ScriptedServer, silent
from tests.serve_llm.asking import (
    GIVE_UP_SECONDS,
    OpenGateway,
    Serve,
    ask,
    chat,
    chat_stream,
    provider_that,
    streamed_chat,
    text_of,
    until,
)

(HEALTH,) = HEALTH_ROUTES
QUICK = Retries(first_wait_seconds=0.001)
ONE, TWO = "one/m1", "two/m2"
FALLBACKS = LlmSettings(retries=QUICK, fallbacks={ONE: (TWO,)})
TRIED = "tried before: one answered 503: busy"

both = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def answers(exchange: Exchange) -> None:
    """Say "hi", as it is asked to."""
    if exchange.path.endswith("/embeddings"):
        await exchange.answer({"data": [{"embedding": [0.5]}]})
    elif exchange.json().get("stream"):
        await exchange.begin()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]})
        await exchange.event("[DONE]")
        await exchange.end()
    else:
        await exchange.answer({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})


async def busy(exchange: Exchange) -> None:
    """Refuse for now."""
    await exchange.answer({"error": {"message": "busy"}}, 503)


def one_after_the_other(*acts: Script) -> Script:
    """Return a script that acts as the first of *acts*, then as the second, and so on; the last stays."""
    left = list(acts)

    async def act(exchange: Exchange) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return provider_that(act)


def at(server: ScriptedServer, **more: Any) -> ProviderSettings:
    """Return the settings that lead to *server*."""
    return ProviderSettings(base_url=server.url, **more)


async def said(gateway: Gateway, *, stream: bool, **body: Any) -> dict[str, Any]:
    """Return the answer to a chat, or the last chunk of it with the whole text."""
    if not stream:
        return await chat(gateway, **body)
    chunks = await streamed_chat(gateway, **body)
    return {**chunks[-1], "content": text_of(chunks)}


@both
async def test_it_is_asked_again(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """A provider that is busy twice and answers then has answered; what went before is told."""
    server = await serve(one_after_the_other(busy, busy, answers))
    gateway = await open_gateway({"one": at(server)})
    answer = await said(gateway, stream=stream, model=ONE)
    assert (answer["content"], answer["provider"]) == ("hi", "one")
    assert answer["warnings"] == [TRIED, TRIED]
    assert len(server.posts) == 3


@both
async def test_another_answers(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """After the last attempt the fallback is asked, by its own name; the answer says who gave it."""
    one, two = await serve(provider_that(busy)), await serve(provider_that(answers))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    answer = await said(gateway, stream=stream, model=ONE)
    assert (answer["content"], answer["provider"], answer["model"]) == ("hi", "two", "m2")
    assert answer["warnings"] == [TRIED] * 3
    assert [exchange.json()["model"] for exchange in (*one.posts, *two.posts)] == ["m1", "m1", "m1", "m2"]


async def broken_off_at_once(exchange: Exchange) -> None:
    """Begin a stream with an error."""
    await exchange.begin()
    await exchange.event({"error": {"message": "busy"}})
    await exchange.end()


async def test_an_error_before_the_first_piece_is_no_beginning(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream that begins with an error has given nothing yet."""
    server = await serve(one_after_the_other(broken_off_at_once, answers))
    answer = await said(await open_gateway({"one": at(server)}), stream=True, model=ONE)
    assert answer["content"] == "hi"
    assert answer["warnings"] == ["tried before: one broke off: busy"]


async def test_what_has_begun_is_not_repeated(serve: Serve, open_gateway: OpenGateway) -> None:
    """After the first piece an error is an error, whoever could answer instead."""

    async def breaks_off(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
        exchange.reset()

    one, two = await serve(provider_that(breaks_off)), await serve(provider_that(answers))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    chunks = await streamed_chat(gateway, model=ONE)
    assert text_of(chunks) == "Hel"
    assert chunks[-1]["code"] == "provider_error"
    assert (len(one.posts), len(two.posts)) == (1, 0)


@pytest.mark.parametrize(
    ("status", "one_asked", "kind"),
    [(400, 1, ProviderRefused), (422, 1, ProviderRefused), (401, 1, None), (404, 1, None), (529, 3, None)],
)
async def test_who_is_to_blame(
    status: int, one_asked: int, kind: type[HecateError] | None, serve: Serve, open_gateway: OpenGateway
) -> None:
    """A wrong request is no better elsewhere; a wrong key or a missing model may be right there."""
    one = await serve(provider_that(lambda x: x.answer({"error": {"message": "no such model"}}, status)))
    two = await serve(provider_that(answers))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    if kind is None:
        assert (await chat(gateway, model=ONE))["provider"] == "two"
    else:
        with pytest.raises(kind):
            await chat(gateway, model=ONE)
    assert len(one.posts) == one_asked


@both
async def test_all_fail(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """Of all errors the first that may pass is raised, with all of them in ``tried``."""
    one, two = (
        await serve(provider_that(lambda x: x.answer({"error": "bad key"}, 401))),
        await serve(provider_that(busy)),
    )
    llm = LlmSettings(retries=Retries(attempts=1), fallbacks={ONE: (TWO, "three/m3")})
    gateway = await open_gateway({"one": at(one), "two": at(two)}, llm)
    with pytest.raises(ProviderFailed, match="two answered 503: busy") as caught:
        await said(gateway, stream=stream, model=ONE)
    tried = caught.value.envelope()["tried"]
    assert tried[:2] == ["one answered 401: bad key", "two answered 503: busy"]
    assert "no provider has the model 'three/m3'" in tried[2]


@both
async def test_retry_after_is_obeyed(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """A wait that is short enough is waited for."""
    limits: Script = lambda exchange: exchange.answer({"error": "slow down"}, 429, Retry_After="0")  # noqa: E731
    server = await serve(one_after_the_other(limits, answers))
    answer = await said(await open_gateway({"one": at(server)}), stream=stream, model=ONE)
    assert answer["warnings"] == ["tried before: one answered 429: slow down"]


@pytest.mark.parametrize(
    ("retry_after", "timeout_seconds"), [("9", None), ("3600", None), ("3", 2)], ids=["long", "longer", "no time"]
)
async def test_a_long_wait_is_passed_on(
    retry_after: str, timeout_seconds: float | None, serve: Serve, open_gateway: OpenGateway
) -> None:
    """A wait that is longer than a caller waits, or has time for, is the caller's to decide."""
    server = await serve(provider_that(lambda x: x.answer({"error": "slow down"}, 429, Retry_After=retry_after)))
    gateway = await open_gateway({"one": at(server)})
    with pytest.raises(ProviderLimited) as caught:
        await chat(gateway, model=ONE, timeout_seconds=timeout_seconds)
    assert caught.value.headers == {"Retry-After": retry_after}
    assert len(server.posts) == 1


async def test_nobody_waits_while_another_can_answer(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that asks for a wait is passed over at once."""
    one = await serve(provider_that(lambda x: x.answer({"error": "slow down"}, 429, Retry_After="1")))
    gateway = await open_gateway({"one": at(one), "two": at(await serve(provider_that(answers)))}, FALLBACKS)
    assert (await chat(gateway, model=ONE))["provider"] == "two"
    assert len(one.posts) == 1


async def test_silence_is_not_repeated(serve: Serve, open_gateway: OpenGateway) -> None:
    """A stream whose first piece is late goes to the fallback, not to the same provider again."""
    one, two = await serve(provider_that(silent)), await serve(provider_that(answers))
    deadlines = Deadlines(first_token_seconds=0.1)
    gateway = await open_gateway({"one": at(one, deadlines=deadlines), "two": at(two)}, FALLBACKS)
    answer = await said(gateway, stream=True, model=ONE)
    assert answer["provider"] == "two"
    assert len(one.posts) == 1


@both
async def test_all_attempts_share_the_time(stream: bool, serve: Serve, open_gateway: OpenGateway) -> None:  # noqa: FBT001
    """When the time for the call is over nobody else is asked; that is no failure of a provider's."""
    one, two = await serve(provider_that(silent)), await serve(provider_that(answers))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    with pytest.raises(ProviderSlow, match=r"taken longer than 0\.1 s"):
        await said(gateway, stream=stream, model=ONE, timeout_seconds=0.1)
    assert (len(one.posts), len(two.posts)) == (1, 0)
    assert (await health(gateway, "one")).failures_in_a_row == 0


async def test_a_fallback_has_what_is_left_of_the_time(serve: Serve, open_gateway: OpenGateway) -> None:
    """A fallback that is silent ends when the whole call has to."""
    one, two = await serve(provider_that(busy)), await serve(provider_that(silent))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    with pytest.raises(ProviderFailed) as caught:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await chat(gateway, model=ONE, timeout_seconds=0.3)
    assert "two" in caught.value.details["tried"][-1]


@pytest.mark.parametrize(
    ("llm", "asked"),
    [
        (LlmSettings(fallbacks={"m1": (TWO,)}), ONE),
        (LlmSettings(fallbacks={"m1": (TWO,)}), "m1"),
        (LlmSettings(fallbacks={ONE: (TWO,)}), "m1"),
        (LlmSettings(aliases={"smart": (ONE, TWO)}), "smart"),
        (LlmSettings(aliases={"smart": (ONE, TWO), "best": "smart"}), "best"),
        (LlmSettings(aliases={"smart": ONE}, fallbacks={"smart": (TWO,)}), "smart"),
        (LlmSettings(aliases={"smart": "m1", "other": TWO}, fallbacks={"m1": ("nobody/x", "other")}), "smart"),
        (LlmSettings(aliases={"smart": ("groq/x", TWO)}), "smart"),
    ],
)
async def test_names_with_fallbacks(llm: LlmSettings, asked: str, serve: Serve, open_gateway: OpenGateway) -> None:
    """Fallbacks are found by the name that was asked for, by what it is an alias of, and by what it was found to be."""

    async def script(exchange: Exchange) -> None:
        await (exchange.answer({"data": [{"id": "m1"}]}) if exchange.method == "GET" else busy(exchange))

    gateway = await open_gateway({"one": at(await serve(script)), "two": at(await serve(provider_that(answers)))}, llm)
    await gateway.models()
    assert (await chat(gateway, model=asked))["provider"] == "two"


async def test_what_a_fallback_cannot_do(serve: Serve, open_gateway: OpenGateway) -> None:
    """A fallback that cannot do what is asked is passed over; the model that was asked for is not."""
    one, two = await serve(provider_that(busy)), await serve(provider_that(answers))
    llm = LlmSettings(retries=QUICK, fallbacks={ONE: ("ollama/m", TWO)})
    providers = {"one": at(one), "ollama": at(two), "two": at(two)}
    gateway = await open_gateway(providers, llm)
    tools = [{"name": "f"}]
    answer = await chat(gateway, model=ONE, tools=tools, tool_choice="required", extra={"top_k": 4})
    assert answer["provider"] == "two"
    assert any("ollama" in warning and "tool" in warning for warning in answer["warnings"])
    assert two.posts[0].json()["top_k"] == 4
    with pytest.raises(Invalid):
        await chat(gateway, model="ollama/m", tools=tools, tool_choice="required")


async def test_extra_fields_are_for_one_dialect(serve: Serve, open_gateway: OpenGateway) -> None:
    """What only the first provider understands is not sent to another kind, and that is said."""

    async def as_ollama(exchange: Exchange) -> None:
        await exchange.answer({"message": {"content": "hi"}, "done": True, "done_reason": "stop"})

    one, two = await serve(provider_that(busy)), await serve(provider_that(as_ollama))
    llm = LlmSettings(retries=Retries(attempts=1), fallbacks={ONE: ("ollama/m",)})
    gateway = await open_gateway({"one": at(one), "ollama": at(two)}, llm)
    answer = await chat(gateway, model=ONE, extra={"logit_bias": {}})
    assert answer["warnings"] == [TRIED, "`extra` is for openai, and was not sent to ollama"]
    assert "logit_bias" not in two.posts[-1].json()


async def health(gateway: Gateway, name: str) -> Any:
    """Return how the provider *name* is."""
    answer: Any = await ask(gateway, HEALTH)
    return answer["providers"][name]


async def test_a_provider_that_keeps_failing_is_left_alone(serve: Serve, open_gateway: OpenGateway) -> None:
    """An open circuit lets nothing through, says why, and shows in the health; what is well again is tried at once."""
    server = await serve(one_after_the_other(busy, busy, answers))
    llm = LlmSettings(retries=QUICK, circuit=CircuitSettings(failures=2, rest_seconds=3600))
    gateway = await open_gateway({"one": at(server)}, llm)
    await gateway.models()
    with pytest.raises(ProviderFailed, match="busy"):
        await chat(gateway, model=ONE)
    assert len(server.posts) == 2
    with pytest.raises(ProviderFailed, match="failed 2 times in a row and is left alone for 3600 s") as caught:
        await chat(gateway, model=ONE)
    assert caught.value.headers == {"Retry-After": "3600"}
    found = await health(gateway, "one")
    assert (found.circuit, found.failures_in_a_row, found.left_alone_seconds) == ("open", 2, 3600)
    assert found.last_failure == "one answered 503: busy"
    await gateway.providers.reload()  # Asks for the models again, which it has.
    assert (await health(gateway, "one")).circuit == "half_open"
    assert (await chat(gateway, model=ONE))["content"] == "hi"
    assert (await health(gateway, "one")).circuit == "closed"
    assert len(server.posts) == 3


async def test_a_provider_that_is_left_alone_is_passed_over(serve: Serve, open_gateway: OpenGateway) -> None:
    """While the circuit is open, the fallback is asked without more ado."""
    one, two = await serve(provider_that(busy)), await serve(provider_that(answers))
    llm = LlmSettings(retries=QUICK, circuit=CircuitSettings(failures=1), fallbacks={ONE: (TWO,)})
    gateway = await open_gateway({"one": at(one), "two": at(two)}, llm)
    await gateway.models()
    for _ in range(5):
        assert (await chat(gateway, model=ONE))["provider"] == "two"
    assert len(one.posts) == 1


@pytest.mark.parametrize("status", [400, 429])
async def test_a_refusal_is_no_failure(status: int, serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that refuses, or limits, is there."""
    server = await serve(provider_that(lambda exchange: exchange.answer({"error": "no"}, status, Retry_After="60")))
    llm = LlmSettings(circuit=CircuitSettings(failures=1))
    gateway = await open_gateway({"one": at(server)}, llm)
    for _ in range(3):
        with pytest.raises(ProviderFailed, match="no"):
            await chat(gateway, model=ONE)
    assert (await health(gateway, "one")).circuit == "closed"


async def test_a_stream_that_breaks_off_is_a_failure(serve: Serve, open_gateway: OpenGateway) -> None:
    """A provider that begins well and breaks off each time is found out, too."""

    async def breaks_off(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.event({"choices": [{"index": 0, "delta": {"content": "Hel"}}]})
        exchange.reset()

    llm = LlmSettings(circuit=CircuitSettings(failures=3))
    gateway = await open_gateway({"one": at(await serve(provider_that(breaks_off)))}, llm)
    for _ in range(3):
        await streamed_chat(gateway, model=ONE)
    assert (await health(gateway, "one")).circuit == "open"


async def test_leaving_between_two_attempts(serve: Serve, open_gateway: OpenGateway) -> None:
    """Who goes away during a wait is not waited for: nobody is asked again, and nothing is left."""
    server = await serve(provider_that(busy))
    gateway = await open_gateway({"one": at(server)}, LlmSettings(retries=Retries(first_wait_seconds=4.0)))
    await gateway.models()
    tasks = len(asyncio.all_tasks())
    pieces = (await chat_stream(gateway, model=ONE)).pieces
    first = asyncio.ensure_future(anext(pieces))
    await until(lambda: gateway_is_waiting(gateway))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await pieces.aclose()
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    assert len(server.posts) == 1


def gateway_is_waiting(gateway: Gateway) -> bool:
    """Tell whether the first attempt has failed."""
    return gateway._in_use.catalogue.shelves["one"].provider.upstream.circuit.failures == 1


async def test_embeddings_have_no_fallback(serve: Serve, open_gateway: OpenGateway) -> None:
    """Vectors of another model would be worse than none; the same provider is asked again."""
    one = await serve(one_after_the_other(busy, answers, busy))
    two = await serve(provider_that(answers))
    gateway = await open_gateway({"one": at(one), "two": at(two)}, FALLBACKS)
    request = EmbeddingRequest(model=ONE, inputs=("a",))
    assert (await gateway.embed(request)).vectors == ((0.5,),)
    with pytest.raises(ProviderFailed, match="busy"):
        await gateway.embed(request)
    assert not two.posts
    with pytest.raises(ModelNotFound):
        await gateway.embed(EmbeddingRequest(model="nobody/x", inputs=("a",)))
