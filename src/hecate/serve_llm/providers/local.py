"""The models that the daemon runs itself: GGUF files in a folder, served by llama.cpp in processes of their own.

Needs the extra ``local``.  A model is loaded when it is first asked, and unloaded when it has been idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

from hecate.dossiers.errors import Invalid
from hecate.endpoints import current_stopwatch
from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.errors import ModelNotFound, OutOfTime, ProviderFailed, ProviderSlow
from hecate.serve_llm.messages import TextPart
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.providers.local_files import ModelFile, ModelFolder
from hecate.serve_llm.providers.local_models import LoadedModels
from hecate.serve_llm.providers.local_process import NAME, ModelProcess, served_context
from hecate.serve_llm.providers.openai import OpenAi
from hecate.serve_llm.providers.openai_body import Manners, request_body
from hecate.serve_llm.providers.provider import Account, Model, ProviderKind, bearer, parameter_count
from hecate.serve_llm.refusals import not_understood
from hecate.serve_llm.settings import LocalSettings
from hecate.serve_llm.upstream import Upstream

if TYPE_CHECKING:
    from hecate.serve_llm.messages import ChatRequest

MANNERS = Manners(reasoning_field="reasoning_content")
LAST_WORDS_SECONDS = 2.0
"""How long to wait, when a model breaks off, for the end of its process, which would be the reason."""


class _Prompt(Struct):
    prompt: str


class _Tokens(Struct):
    tokens: list[Any]


_decode_prompt = msgspec.json.Decoder(_Prompt).decode
_decode_tokens = msgspec.json.Decoder(_Tokens).decode


@dataclass(frozen=True, slots=True)
class Local:
    """Serves the models of one folder."""

    account: Account
    upstream: Upstream
    """Of no model: it knows the deadlines, and whether calls are let through."""
    folder: ModelFolder = field(repr=False, compare=False)
    loaded: LoadedModels = field(repr=False, compare=False)
    dialect: str = "local"

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models in the folder; none is loaded for that."""
        return tuple(self._model(file) for file in await self._files())

    async def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*, once the model is loaded."""
        asked = _sent(request)
        began = monotonic()
        async with self._serving(request.model, asked.timeout_seconds) as (process, upstream):
            if asked.timeout_seconds is not None:
                left_seconds = max(0.01, asked.timeout_seconds - (monotonic() - began))
                asked = structs.replace(asked, timeout_seconds=left_seconds)
            try:
                async with aclosing(OpenAi(self.account, upstream, MANNERS).chat(asked)) as batches:
                    async for batch in batches:
                        yield batch
            except ProviderFailed as exc:
                raise await self._explained(exc, process) from exc

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request*, from a model that was made for that."""
        if not (await self._file(request.model)).header.makes_vectors:
            raise Invalid(f"{request.model!r} was made for chats, not for embeddings")
        async with self._serving(request.model, None) as (process, upstream):
            try:
                return await OpenAi(self.account, upstream, MANNERS).embed(request)
            except ProviderFailed as exc:
                raise await self._explained(exc, process) from exc

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens *request* is, once the model is loaded."""
        async with self._serving(request.model, None) as (process, upstream):
            root = Upstream(
                replace(upstream.account, base_url=process.url), upstream.connections, bearer(process.api_key)
            )
            body = request_body(_sent(request), self.name, self.account.options, MANNERS)
            try:
                prompt = _decode_prompt(await root.ask("POST", "/apply-template", body)).prompt
                text = {"content": prompt, "add_special": True, "parse_special": True}
                return len(_decode_tokens(await root.ask("POST", "/tokenize", msgspec.json.encode(text))).tokens)
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise not_understood(self.account, exc) from exc

    async def close(self) -> None:
        """Load no more models, and unload each as soon as nobody uses it."""
        await self.loaded.close()

    @asynccontextmanager
    async def _serving(self, model: str, seconds: float | None) -> AsyncIterator[tuple[ModelProcess, Upstream]]:
        """Give the process that serves *model* and the way to it, within *seconds*."""
        deadlines = self.account.deadlines
        most_seconds = min(deadlines.first_token_seconds, deadlines.total_seconds if seconds is None else seconds)
        file = await self._file(model)
        # That a model has to be loaded is no overhead of the gateway.
        stopwatch = current_stopwatch()
        stopwatch.wait()
        try:
            async with asyncio.timeout(most_seconds):
                lease = await self.loaded.lease(file)
        except TimeoutError as exc:
            raise OutOfTime(
                f"{self.name} has not loaded {model!r} within {most_seconds:g} s", provider=self.name
            ) from exc
        finally:
            stopwatch.go_on()
        try:
            process = lease.process
            account = replace(self.account, base_url=f"{process.url}/v1", api_key=process.api_key)
            yield process, Upstream(account, self.upstream.connections, bearer(process.api_key))
        finally:
            lease.leave()

    async def _explained(self, failure: ProviderFailed, process: ModelProcess) -> ProviderFailed:
        """Return *failure*, or what is behind it if the process has ended."""
        if isinstance(failure, ProviderSlow) or failure.provider_status is not None:
            return failure
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                how = await process.ended()
        except TimeoutError:
            return failure
        return ProviderFailed(f"{self.name} has lost {process.file.name!r}: {how}", provider=self.name)

    async def _file(self, model: str) -> ModelFile:
        for file in await self._files():
            if file.name == model:
                return file
        raise ModelNotFound(f"{self.name} has no model {model!r}: there is no such GGUF file in {self.folder.path}")

    async def _files(self) -> tuple[ModelFile, ...]:
        try:
            return await asyncio.to_thread(self.folder.models)
        except OSError as exc:
            raise ProviderFailed(
                f"{self.name} cannot read {self.folder.path}: {exc.strerror}", provider=self.name
            ) from exc

    def _model(self, file: ModelFile) -> Model:
        header = file.header
        size = parameter_count(header.parameters) if header.parts == 1 else header.size_label
        return Model(
            name=file.name,
            provider=self.name,
            id=f"{self.name}/{file.name}",
            size=size,
            parameter_size=size,
            family=header.architecture,
            size_bytes=file.size_bytes,
            context_length=served_context(file, self.account.local),
            quantization_level=header.quantization,
            capabilities=_capabilities(file),
        )


def _capabilities(file: ModelFile) -> tuple[str, ...]:
    if file.header.makes_vectors:
        return ("embedding",)
    template = file.header.template
    found = {"tools": "tools" in template, "thinking": "thinking" in template or "<think>" in template}
    return tuple(name for name, has in found.items() if has)


def _sent(request: ChatRequest) -> ChatRequest:
    """Return *request* as llama.cpp is asked.

    Raises:
        Invalid: It shows the model more than text.
    """
    for message in request.messages:
        if not all(isinstance(part, TextPart) for part in message.parts):
            raise Invalid("local shows its models text only; ask another provider to look at images and files")
    if request.reasoning_effort is None:
        return request
    # Effort is nothing that llama.cpp knows; the models' own templates do.
    told = {"enable_thinking": request.reasoning_effort != "none", "reasoning_effort": request.reasoning_effort}
    given = request.extra.get("chat_template_kwargs")
    extra = {**request.extra, "chat_template_kwargs": {**told, **(given if isinstance(given, dict) else {})}}
    return structs.replace(request, reasoning_effort=None, extra=extra)


def _lacks(settings: LocalSettings) -> str:
    """Return what this machine lacks to run models, and how to come by it; empty if that is nothing."""
    if find_spec("xllamacpp") is None:
        return "to run models in the daemon itself, install the extra: pip install 'hecate[local]'"
    if not settings.folder or not Path(settings.folder).is_dir():
        return f"to run models in the daemon itself, put GGUF files into {settings.folder or 'the folder local.folder'}"
    return ""


def _adapter(account: Account, upstream: Upstream) -> Local:
    return Local(account, upstream, ModelFolder(Path(account.local.folder)), LoadedModels(account.local))


PROVIDER = ProviderKind(name=NAME, adapter=_adapter, authorize=bearer, needs_key=False, lacks=_lacks)
