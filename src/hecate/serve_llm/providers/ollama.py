"""Ollama, through its native API: its ``/v1`` ignores ``num_ctx`` and ``keep_alive``."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.event_lines import Lines
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.providers.ollama_answer import Reading
from hecate.serve_llm.providers.ollama_body import request_body
from hecate.serve_llm.providers.ollama_host import ollama_address
from hecate.serve_llm.providers.provider import Account, Model, ProviderKind, bearer
from hecate.serve_llm.providers.reading import asked
from hecate.serve_llm.refusals import not_understood

if TYPE_CHECKING:
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.upstream import Upstream

SHOW_SECONDS = 0.8
"""How long the details of new models may hold up the list; what is missing then comes with the next."""
SHOWN_AT_ONCE = 8


class _Details(Struct):
    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None


class _Tag(Struct):
    name: str
    digest: str = ""
    size: int | None = None
    details: _Details | None = None


class _Tags(Struct):
    models: list[_Tag] | None = None


class _Shown(Struct):
    model_info: dict[str, Any] = {}
    capabilities: tuple[str, ...] = ()

    @property
    def context_length(self) -> int | None:
        """The context that the model was trained for, under the name of its architecture."""
        length = self.model_info.get(f"{self.model_info.get('general.architecture')}.context_length")
        return length if isinstance(length, int) else None


class _Vectors(Struct):
    embeddings: tuple[tuple[float, ...], ...]
    prompt_eval_count: int | None = None


_decode_vectors = msgspec.json.Decoder(_Vectors).decode
_decode_tags = msgspec.json.Decoder(_Tags).decode
_decode_shown = msgspec.json.Decoder(_Shown).decode


@dataclass(frozen=True, slots=True)
class Ollama:
    """Speaks the native API of one Ollama server."""

    account: Account
    upstream: Upstream
    dialect: str = "ollama"
    shown: dict[str, _Shown] = field(default_factory=dict, repr=False, compare=False)
    """What is known of each model, by its digest, which changes whenever the model does."""

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models that are on the server."""
        try:
            tags = _decode_tags(await self.upstream.ask("GET", "/api/tags")).models or []
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc
        await self._show_new(tags)
        return tuple(self._model(tag) for tag in tags)

    def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*."""
        return asked(
            self.upstream,
            "/api/chat",
            request_body(request, self.name, self.account.options),
            streamed=request.stream,
            seconds=request.timeout_seconds,
            reading=Reading(self.account),
            cutter=Lines(),
        )

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request*."""
        body: dict[str, Any] = {"model": request.model, "input": request.inputs}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        answer = await self.upstream.ask("POST", "/api/embed", msgspec.json.encode(body | request.extra))
        try:
            read = _decode_vectors(answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc
        return Embeddings(self.name, request.model, read.embeddings, read.prompt_eval_count or 0)

    async def _show_new(self, tags: list[_Tag]) -> None:
        """Learn the details of models that have not been seen yet, as far as the time allows."""
        new = [tag for tag in tags if tag.digest not in self.shown]
        limit = asyncio.Semaphore(SHOWN_AT_ONCE)

        async def show(tag: _Tag) -> None:
            async with limit:
                body = msgspec.json.encode({"model": tag.name})
                self.shown[tag.digest] = _decode_shown(await self.upstream.ask("POST", "/api/show", body))

        asked = [asyncio.ensure_future(show(tag)) for tag in new]
        if not asked:
            return
        try:
            await asyncio.wait(asked, timeout=SHOW_SECONDS)
        finally:
            for task in asked:
                task.cancel()
            # A model without details is still a model.
            await asyncio.gather(*asked, return_exceptions=True)

    def _model(self, tag: _Tag) -> Model:
        details = tag.details or _Details()
        shown = self.shown.get(tag.digest) or _Shown()
        return Model(
            name=tag.name,
            provider=self.name,
            id=f"{self.name}/{tag.name}",
            size=details.parameter_size or "",
            parameter_size=details.parameter_size or "",
            family=details.family or "",
            size_bytes=tag.size,
            context_length=shown.context_length,
            quantization_level=details.quantization_level or "",
            capabilities=shown.capabilities,
        )


PROVIDER = ProviderKind(
    name="ollama",
    adapter=Ollama,
    authorize=bearer,
    base_url="127.0.0.1:11434",
    base_url_variables=("OLLAMA_HOST",),
    key_variables=("OLLAMA_API_KEY",),
    needs_key=False,
    address=ollama_address,
)
