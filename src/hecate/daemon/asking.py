"""Behind a job's question to a model: the gateway, with routing, fallbacks and usage as for every chat."""

from __future__ import annotations

from hecate.dossiers.errors import Refused
from hecate.endpoints import CURRENT_CALL, Call, Services
from hecate.jobs.asking import Question, Reply
from hecate.serve_llm.gateway import Gateway
from hecate.serve_llm.messages import AssistantMessage, ChatRequest, Message, ResponseFormat, SystemMessage, UserMessage
from hecate.serve_llm.pieces import whole_answer


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
            model=question.model or await self._first_model(),
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
            answer = await whole_answer(self._gateway.chat(request))
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

    async def _first_model(self) -> str:
        models = await self._gateway.models()
        if not models:
            raise Refused("no model was named, and no provider has one: start ollama, or set the key of a provider")
        return f"{models[0].provider}/{models[0].name}"


def _message(role: str, text: str) -> Message:
    return AssistantMessage(text) if role == "assistant" else UserMessage(text)
