"""Ollama's embeddings, with every provider that has any.

POST /api/embed
{"model": "text-embedding-3-small", "input": ["a text", "another"]}

POST /api/embeddings    the older way, for one text
"""

from __future__ import annotations

from time import monotonic_ns
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from hecate.endpoints import Call, Raw, Route
from hecate.serve_llm.dialects.answering import passed_question
from hecate.serve_llm.dialects.ollama import DIALECT
from hecate.serve_llm.dialects.ollama_errors import refusal
from hecate.serve_llm.dialects.passing_on import Passed
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.dialects.requested_bytes import with_model
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.pieces import NO_USAGE, Usage
from hecate.serve_llm.providers.provider import Provider


class EmbedQuestion(Struct, frozen=True):
    """A request for embeddings, as Ollama's reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]


class EmbedBody(Struct, frozen=True):
    """A request for embeddings; how Ollama shall run the model (``options``, ``keep_alive``) is its own affair."""

    model: str
    input: str | tuple[str, ...] = ()
    dimensions: int | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is to be embedded."""
        return (self.input,) if isinstance(self.input, str) else self.input


class OlderEmbedBody(Struct, frozen=True):
    """A request for the embedding of one text."""

    model: str
    prompt: str = ""


class _Told(Struct):
    prompt_eval_count: int | None = None


_decode = msgspec.json.Decoder(_Told).decode
_encode = msgspec.json.Encoder().encode


async def embed(call: Call) -> Raw:
    """Give vectors that stand for texts."""
    if (passed := await _passed_on(call, "/api/embed")) is not None:
        return passed
    started = monotonic_ns()
    given, _ = read_body(EmbedBody, call.raw_body)
    found = await _embeddings(call, given.model, given.texts, given.dimensions)
    answer: dict[str, Any] = {
        "model": found.model,
        "embeddings": found.vectors,
        "total_duration": monotonic_ns() - started,
        "load_duration": 0,
        "prompt_eval_count": found.prompt_tokens,
    }
    return Raw(_encode(answer))


async def embed_one(call: Call) -> Raw:
    """Give a vector that stands for one text."""
    if (passed := await _passed_on(call, "/api/embeddings")) is not None:
        return passed
    given, _ = read_body(OlderEmbedBody, call.raw_body)
    found = await _embeddings(call, given.model, (given.prompt,) if given.prompt else ())
    return Raw(_encode({"embedding": found.vectors[0] if found.vectors else ()}))


async def _passed_on(call: Call, path: str) -> Raw | None:
    """Return the answer of the provider whose own dialect this is; None: it has another."""
    question: EmbedQuestion = call.body

    def passed(_: Provider, model: str) -> Passed:
        return Passed(path=path, body=with_model(call.raw_body, question.model, model))

    return await passed_question(call.services.get(Gateway), question.model, DIALECT, passed, _usage)


async def _embeddings(call: Call, model: str, texts: tuple[str, ...], dimensions: int | None = None) -> Embeddings:
    if not texts:
        return Embeddings("", model, ())
    return await call.services.get(Gateway).embed(EmbeddingRequest(model=model, inputs=texts, dimensions=dimensions))


def _usage(answer: bytes) -> Usage:
    told = _decode(answer).prompt_eval_count
    return NO_USAGE if told is None else Usage.of(told, 0)


ROUTES = tuple(
    Route(
        method="POST",
        path=path,
        call=answer,
        summary=summary,
        body=EmbedQuestion,
        errors=(402, 404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={"model": "nomic-embed-text", **example},
        tag="ollama",
        description="Request and answer are those of Ollama's API.",
    )
    for path, answer, summary, example in (
        ("/api/embed", embed, "Get vectors that stand for texts, as Ollama's clients do", {"input": ["a", "b"]}),
        (
            "/api/embeddings",
            embed_one,
            "Get a vector that stands for a text, as Ollama's older clients do",
            {"prompt": "a"},
        ),
    )
)
