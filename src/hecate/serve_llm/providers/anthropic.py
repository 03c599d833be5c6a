"""Anthropic, through its Messages API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.event_lines import ServerSentEvents
from hecate.serve_llm.pieces import Batches
from hecate.serve_llm.providers.anthropic_answer import Reading
from hecate.serve_llm.providers.anthropic_body import request_body
from hecate.serve_llm.providers.anthropic_models import claude
from hecate.serve_llm.providers.provider import Account, Model, ProviderKind
from hecate.serve_llm.providers.reading import asked
from hecate.serve_llm.refusals import not_understood

if TYPE_CHECKING:
    from hecate.serve_llm.messages import ChatRequest
    from hecate.serve_llm.upstream import Upstream

VERSION = "2023-06-01"
"""Of the API; there has been no newer one since."""
MESSAGES = "/v1/messages"
COUNT_TOKENS = "/v1/messages/count_tokens"
PAGE = 1000
"""How many models a page may list, at most."""
PAGES = 10
"""How many pages are asked for, at most: a list without an end must not hold anything up."""
COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "mcp_servers", "cache_control"}
)
"""The fields of a request that make up its input; counting refuses the others."""


class _Support(Struct):
    supported: bool = False


class _Capabilities(Struct):
    image_input: _Support | None = None
    thinking: _Support | None = None


class _Listed(Struct):
    id: str
    line: str | None = None
    lifecycle: str | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    capabilities: _Capabilities | None = None


class _Page(Struct):
    data: list[_Listed] | None = None
    has_more: bool | None = None
    last_id: str | None = None


class _Count(Struct):
    input_tokens: int


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_count = msgspec.json.Decoder(_Count).decode


@dataclass(frozen=True, slots=True)
class Anthropic:
    """Speaks the Messages API with one server."""

    account: Account
    upstream: Upstream
    dialect: str = "anthropic"
    limits: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    """The most tokens that each model can give out, as last listed."""

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def list_models(self) -> tuple[Model, ...]:
        """Return the models on offer, and the configured ones."""
        listed: list[_Listed] = []
        path = f"/v1/models?limit={PAGE}"
        for _ in range(PAGES):
            try:
                page = _decode_page(await self.upstream.ask("GET", path))
            except (msgspec.DecodeError, UnicodeDecodeError) as exc:
                raise not_understood(self.account, exc) from exc
            listed.extend(model for model in page.data or () if model.lifecycle != "retired")
            if not page.has_more or not page.last_id:
                break
            path = f"/v1/models?limit={PAGE}&after_id={quote(page.last_id, safe='')}"
        self.limits.update((model.id, model.max_tokens) for model in listed if model.max_tokens)
        known = {model.id for model in listed}
        listed.extend(_Listed(name) for name in self.account.models if name not in known)
        return tuple(self._model(model) for model in listed)

    def chat(self, request: ChatRequest) -> Batches:
        """Answer *request*."""
        body, headers = self._prepared(request)
        return asked(
            self.upstream,
            MESSAGES,
            msgspec.json.encode(body),
            streamed=request.stream,
            seconds=request.timeout_seconds,
            reading=Reading(self.account),
            cutter=ServerSentEvents(),
            headers=headers,
        )

    async def count_tokens(self, request: ChatRequest) -> int:
        """Return how many tokens of input *request* is.

        Raises:
            Invalid: The request asks for what Anthropic cannot do.
            ModelNotFound, ProviderFailed: As for a chat.
        """
        body, headers = self._prepared(request)
        counted = msgspec.json.encode({name: value for name, value in body.items() if name in COUNTED})
        with await self.upstream.send("POST", COUNT_TOKENS, counted, headers=headers) as reply:
            answer = await reply.whole()
        try:
            return _decode_count(answer).input_tokens
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise not_understood(self.account, exc) from exc

    def _prepared(self, request: ChatRequest) -> tuple[dict[str, Any], dict[str, str] | None]:
        """Return the body for *request*, and the headers that it wants: names of beta features are in one."""
        limit = self.limits.get(request.model) or claude(request.model).limit_tokens
        body = request_body(request, self.name, self.account.options, limit)
        betas = body.pop("betas", None)
        if betas is None:
            return body, None
        if not isinstance(betas, list | tuple) or not all(isinstance(beta, str) for beta in betas):
            raise Invalid(f"`betas` are a list of names of {self.name}'s beta features")
        usual = {name.lower(): value for name, value in self.account.headers.items()}
        configured = usual.get("anthropic-beta", "")
        return body, {"anthropic-beta": ",".join([*filter(None, [configured]), *betas])}

    def _model(self, listed: _Listed) -> Model:
        offered = listed.capabilities or _Capabilities()
        which = claude(listed.id)
        capabilities = {
            "tools": which.version > (0, 0),
            "vision": offered.image_input is not None and offered.image_input.supported,
            "thinking": offered.thinking is not None and offered.thinking.supported,
        }
        return Model(
            name=listed.id,
            provider=self.name,
            id=f"{self.name}/{listed.id}",
            family=listed.line or which.line,
            context_length=listed.max_input_tokens,
            max_output_tokens=listed.max_tokens,
            capabilities=tuple(name for name, has in capabilities.items() if has),
        )


def _authorize(key: str) -> dict[str, str]:
    version = {"anthropic-version": VERSION}
    return {"x-api-key": key, **version} if key else version


def _address(given: str) -> str:
    """Return *given* without the ``/v1`` that some write at its end; the paths begin with it."""
    return given.rstrip("/").removesuffix("/v1")


PROVIDER = ProviderKind(
    name="anthropic",
    adapter=Anthropic,
    authorize=_authorize,
    base_url="https://api.anthropic.com",
    base_url_variables=("ANTHROPIC_BASE_URL",),
    key_variables=("ANTHROPIC_API_KEY",),
    address=_address,
)
