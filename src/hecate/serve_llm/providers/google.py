"""Google, through the ``generateContent`` of its Gemini API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hecate.serve_llm.embeddings import EmbeddingRequest, Embeddings
from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.event_lines import ServerSentEvents
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.providers.google_answer import Reading
from hecate.serve_llm.providers.google_body import request_body
from hecate.serve_llm.providers.provider import Account, Model, ProviderKind
from hecate.serve_llm.providers.reading import asked
from hecate.serve_llm.refusals import not_understood

if TYPE_CHECKING:
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.upstream import Upstream

PAGE = 1000
"""How many models a page may list, at most."""
PAGES = 10
"""How many pages are asked for, at most: a list without an end must not hold anything up."""
SERVED = {"generateContent", "embedContent"}
"""What a model must be able to do, one of it, to be listed: others make videos or talk live."""
_NAME = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*")
_VERSIONED = re.compile(r"/v\d+\w*$")


class _Listed(Struct, rename="camel"):
    name: str
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: tuple[str, ...] | None = None
    thinking: bool | None = None


class _Page(Struct, rename="camel"):
    models: list[_Listed] | None = None
    next_page_token: str | None = None


class _Count(Struct, rename="camel"):
    total_tokens: int


class _PromptUsage(Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Vector(Struct):
    values: tuple[float, ...]


class _Vectors(Struct, rename="camel"):
    embeddings: tuple[_Vector, ...]
    usage_metadata: _PromptUsage | None = None


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_count = msgspec.json.Decoder(_Count).decode
_decode_vectors = msgspec.json.Decoder(_Vectors).decode


@dataclass(frozen=True, slots=True)
class Google:
    """Speaks the Gemini API with one server."""

    account: Account
    upstream: Upstream
    dialect: str = "google"

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models on offer that can chat or embed, and the configured ones."""
        listed: list[_Listed] = []
        path = f"/models?pageSize={PAGE}"
        for _ in range(PAGES):
            try:
                page = _decode_page(await self.upstream.ask("GET", path))
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise not_understood(self.account, exc) from exc
            listed.extend(page.models or ())
            if not page.next_page_token:
                break
            path = f"/models?pageSize={PAGE}&pageToken={quote(page.next_page_token, safe='')}"
        models = [
            self._model(model)
            for model in listed
            if model.supported_generation_methods is None or SERVED.intersection(model.supported_generation_methods)
        ]
        known = {model.name for model in models}
        models.extend(self._model(_Listed(name)) for name in self.account.models if name not in known)
        return tuple(models)

    def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*."""
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return asked(
            self.upstream,
            f"{_path(request.model, self.name)}:{method}",
            msgspec.json.encode(request_body(request, self.name, self.account.options)),
            streamed=request.stream,
            seconds=request.timeout_seconds,
            reading=Reading(self.account),
            cutter=ServerSentEvents(),
        )

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens of input *request* is.

        Raises:
            Invalid: The request asks for what Google cannot do.
            ModelNotFound, ProviderFailed: As for a chat.
        """
        path = _path(request.model, self.name)
        counted = {"model": path.removeprefix("/"), **request_body(request, self.name, self.account.options)}
        body = msgspec.json.encode({"generateContentRequest": counted})
        answer = await self.upstream.ask("POST", f"{path}:countTokens", body)
        try:
            return _decode_count(answer).total_tokens
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Return the vectors for *request*; Google tells no tokens for some models."""
        path = _path(request.model, self.name)
        wanted: dict[str, Any] = {"model": path.removeprefix("/")}
        if request.dimensions is not None:
            wanted["outputDimensionality"] = request.dimensions
        wanted |= request.extra
        questions = [{**wanted, "content": {"parts": [{"text": text}]}} for text in request.inputs]
        answer = await self.upstream.ask(
            "POST", f"{path}:batchEmbedContents", msgspec.json.encode({"requests": questions})
        )
        try:
            read = _decode_vectors(answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc
        usage = read.usage_metadata or _PromptUsage()
        vectors = tuple(vector.values for vector in read.embeddings)
        return Embeddings(self.name, request.model, vectors, usage.prompt_token_count or 0)

    def _model(self, listed: _Listed) -> Model:
        name = listed.name.removeprefix("models/")
        methods = listed.supported_generation_methods or ()
        capabilities = {"thinking": bool(listed.thinking), "embedding": "embedContent" in methods}
        return Model(
            name=name,
            provider=self.name,
            id=f"{self.name}/{name}",
            family=name.partition("-")[0],
            context_length=listed.input_token_limit,
            max_output_tokens=listed.output_token_limit,
            capabilities=tuple(capability for capability, has in capabilities.items() if has),
        )


def _path(model: str, provider: str) -> str:
    """Return where *model* is; a name with a slash, as of a tuned model, says so itself.

    Raises:
        ModelNotFound: *model* cannot be the name of a model.
    """
    if not _NAME.fullmatch(model):
        raise ModelNotFound(f"{provider} has no model {model!r}: that is no name of a model there")
    return f"/{model}" if "/" in model else f"/models/{model}"


def _authorize(key: str) -> dict[str, str]:
    # In a header: what stands in a URL ends up in logs.
    return {"x-goog-api-key": key} if key else {}


def _address(given: str) -> str:
    """Return *given* with the API's version at its end, unless there is one."""
    url = given.rstrip("/")
    return url if _VERSIONED.search(url) else f"{url}/v1beta"


PROVIDER = ProviderKind(
    name="google",
    adapter=Google,
    authorize=_authorize,
    base_url="https://generativelanguage.googleapis.com",
    base_url_variables=("GOOGLE_GEMINI_BASE_URL",),
    key_variables=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    address=_address,
)
