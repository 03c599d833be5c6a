"""OpenAI, and every server that speaks its chat completions: vLLM, llama.cpp, LM Studio and others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from yarl import URL

from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.errors import ProviderRefused
from hecate.serve_llm.event_lines import ServerSentEvents
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.providers.openai_answer import Reading
from hecate.serve_llm.providers.openai_body import OPENAI, Manners, request_body
from hecate.serve_llm.providers.openai_models import Listed, listed_models, model_of
from hecate.serve_llm.providers.provider import Account, Model, ProviderKind, bearer
from hecate.serve_llm.providers.reading import asked
from hecate.serve_llm.refusals import not_understood

if TYPE_CHECKING:
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.upstream import Upstream


class _Vector(Struct):
    embedding: tuple[float, ...]


class _PromptUsage(Struct):
    prompt_tokens: int | None = None


class _Vectors(Struct):
    data: list[_Vector]
    usage: _PromptUsage | None = None


_decode_vectors = msgspec.json.Decoder(_Vectors).decode


@dataclass(frozen=True, slots=True)
class OpenAi:
    """Speaks OpenAI's API with one server."""

    account: Account
    upstream: Upstream
    manners: Manners
    dialect: str = "openai"

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def list_models(self) -> tuple[Model, ...]:
        """Return what ``/models`` lists, or what the configuration names."""
        try:
            body = await self.upstream.ask("GET", "/models")
        except ProviderRefused as exc:
            # Some servers have no list; that they answer is enough when the configuration has one.
            if self.account.models and exc.provider_status in {404, 405, 501}:
                return tuple(model_of(self.name, Listed(name)) for name in self.account.models)
            raise
        try:
            listed = listed_models(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc
        known = {entry.id for entry in listed}
        listed += (Listed(name) for name in self.account.models if name not in known)
        return tuple(model_of(self.name, entry) for entry in listed)

    def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*."""
        return asked(
            self.upstream,
            "/chat/completions",
            request_body(request, self.name, self.account.options, self.manners),
            streamed=request.stream,
            seconds=request.timeout_seconds,
            reading=Reading(self.account),
            cutter=ServerSentEvents(),
        )

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request*."""
        body: dict[str, Any] = {"model": request.model, "input": request.inputs, "encoding_format": "float"}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        answer = await self.upstream.ask("POST", "/embeddings", msgspec.json.encode(body | request.extra))
        try:
            read = _decode_vectors(answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc
        vectors = tuple(vector.embedding for vector in read.data)
        usage = read.usage or _PromptUsage()
        return Embeddings(self.name, request.model, vectors, usage.prompt_tokens or 0)


def openai_like(name: str, base_url: str, manners: Manners = Manners(), **more: Any) -> ProviderKind:  # noqa: B008
    """Return the kind of a provider that speaks OpenAI's API in *manners* of its own.

    Its key is in the variable ``NAME_API_KEY``, another address in ``NAME_BASE_URL``.
    """
    prefix = name.upper()

    def adapter(account: Account, upstream: Upstream) -> OpenAi:
        return OpenAi(account, upstream, OPENAI if URL(account.base_url).host == "api.openai.com" else manners)

    return ProviderKind(
        name=name,
        adapter=adapter,
        authorize=bearer,
        base_url=base_url,
        base_url_variables=(f"{prefix}_BASE_URL",),
        key_variables=(f"{prefix}_API_KEY",),
        **more,
    )


PROVIDER = openai_like("openai", "https://api.openai.com/v1")
