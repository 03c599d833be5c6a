"""Behind a job's question to a model: the gateway, with routing, fallbacks and usage as for every chat."""

from __future__ import annotations

from msgspec.structs import replace

from hecate.dossiers.errors import Invalid
from hecate.endpoints import CURRENT_CALL, Call, Services
from hecate.jobs.asking import Question, Reply
from hecate.serve_llm.errors import ModelNotFound, ProviderRefused
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.list_models import default_model
from hecate.serve_llm.messages import AssistantMessage, ChatRequest, Message, ResponseFormat, SystemMessage, UserMessage
from hecate.serve_llm.pieces import ChatAnswer, whole_answer

WRONG_REQUEST = frozenset({400, 422})
"""The statuses of a provider that does not know a field, or not what is in it."""


class AskThroughGateway:
    """Asks *gateway*; usage is recorded for the venture and division, under the job's id."""

    def __init__(self, gateway: Gateway, services: Services) -> None:
        self._gateway = gateway
        self._services = services

    async def ask(self, question: Question, *, job_id: str, venture_id: str, division_id: str) -> Reply:
        """Return the model's answer.

        Raises:
            HecateError: No provider has the model, or it fails.
        """
        request = ChatRequest(
            model=question.model or await self._default_model(),
            messages=(SystemMessage(question.system), *(_message(role, text) for role, text in question.messages)),
            max_tokens=question.max_tokens,
            response_format=None if question.schema is None else ResponseFormat("json_schema", question.schema),
            venture_id=venture_id,
            division_id=division_id,
        )
        # The account of a chat is kept by the request that asks; here, that is the job.
        call = Call(
            path={},
            query=None,
            body=request,
            raw_body=b"",
            headers={},
            peer=None,
            request_id=job_id,
            services=self._services,
        )
        known = CURRENT_CALL.set(call)
        try:
            answer = await self._answer(request)
        finally:
            CURRENT_CALL.reset(known)
        return Reply(
            content=answer.content,
            model=answer.model,
            provider=answer.provider,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cost_usd=answer.cost_usd,
        )

    async def _answer(self, request: ChatRequest) -> ChatAnswer:
        """Return the answer; of a provider that can hold no model to a schema, one that is not held to it.

        Who asks has said in words too what form it wants, and looks at what has come.
        """
        try:
            return await whole_answer(self._gateway.chat(request))
        except (Invalid, ProviderRefused) as exc:
            refused = isinstance(exc, Invalid) or exc.provider_status in WRONG_REQUEST
            if request.response_format is None or not refused:
                raise
        return await whole_answer(self._gateway.chat(replace(request, response_format=None)))

    async def _default_model(self) -> str:
        found = default_model(self._gateway, await self._gateway.models())
        if not found:
            raise ModelNotFound(
                "no model was named, and no provider has one: start ollama, or set the key of a provider"
            )
        return found


def _message(role: str, text: str) -> Message:
    return AssistantMessage(text) if role == "assistant" else UserMessage(text)
