"""OpenAI's embeddings, with every provider that has any.

POST /v1/embeddings
{"model": "nomic-embed-text", "input": ["a text", "another"]}
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from hecate.dossiers.errors import Invalid
from hecate.endpoints import Call, Raw, Route
from hecate.serve_llm.dialects.answering import passed_question
from hecate.serve_llm.dialects.openai import DIALECT
from hecate.serve_llm.dialects.openai_errors import refusal
from hecate.serve_llm.dialects.own_settings import own_settings
from hecate.serve_llm.dialects.passing_on import Passed
from hecate.serve_llm.dialects.request_fields import read_body
from hecate.serve_llm.dialects.requested_bytes import with_model
from hecate.serve_llm.dialects.streaming import BODY_LIMIT_BYTES
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.pieces import NO_USAGE, Usage
from hecate.serve_llm.providers.provider import Provider

EMBEDDINGS = "/embeddings"


class EmbeddingQuestion(Struct, frozen=True):
    """A request for embeddings, as OpenAI's reference describes it; this is what routing needs of it."""

    model: Annotated[str, Meta(min_length=1)]


class EmbeddingBody(Struct, frozen=True):
    """A request for embeddings."""

    model: str
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is to be embedded.

        Raises:
            Invalid: It is nothing, or not texts.
        """
        texts = (self.input,) if isinstance(self.input, str) else tuple(self.input)
        if not texts:
            raise Invalid("there is no text to embed - at `$.input`")
        if not all(isinstance(text, str) for text in texts):
            raise Invalid("only OpenAI knows what its tokens mean; send texts - at `$.input`")
        return texts


class _Told(Struct):
    prompt_tokens: int = 0


class _Answer(Struct):
    usage: _Told | None = None


_decode = msgspec.json.Decoder(_Answer).decode


async def embed(call: Call) -> Raw:
    """Give vectors that stand for texts."""
    question: EmbeddingQuestion = call.body
    gateway = call.services.get(Gateway)

    def passed(_: Provider, model: str) -> Passed:
        return Passed(path=EMBEDDINGS, body=with_model(call.raw_body, question.model, model))

    if (answer := await passed_question(gateway, question.model, DIALECT, passed, _usage)) is not None:
        return answer
    provider, _ = await gateway.target(question.model)
    given, others = read_body(EmbeddingBody, call.raw_body)
    request = EmbeddingRequest(
        model=given.model, inputs=given.texts, dimensions=given.dimensions, extra=own_settings(others, provider)
    )
    return Raw(_listed(await gateway.embed(request), given.encoding_format or "float"))


def _usage(answer: bytes) -> Usage:
    told = _decode(answer).usage
    return NO_USAGE if told is None else Usage.of(told.prompt_tokens, 0)


def _listed(embeddings: Embeddings, encoding: Literal["float", "base64"]) -> bytes:
    vectors = [_packed(vector) if encoding == "base64" else vector for vector in embeddings.vectors]
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)
            ],
            "model": embeddings.model,
            "usage": {"prompt_tokens": embeddings.prompt_tokens, "total_tokens": embeddings.prompt_tokens},
        }
    )


def _packed(vector: tuple[float, ...]) -> str:
    """Return *vector* as OpenAI packs it: numbers of 32 bits, the lowest byte first, in base64."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


ROUTES = (
    Route(
        method="POST",
        path="/v1/embeddings",
        call=embed,
        summary="Get vectors that stand for texts, as OpenAI's clients do",
        body=EmbeddingQuestion,
        errors=(402, 404, 429, 502, 504),
        refusal=refusal,
        body_limit_bytes=BODY_LIMIT_BYTES,
        cancel_on_disconnect=True,
        example={"model": "nomic-embed-text", "input": ["a text", "another"]},
        tag="openai",
        description="Request and answer are those of OpenAI's embeddings.",
    ),
)
