"""The little model at OpenAI, Anthropic, Google and Ollama."""

from __future__ import annotations

import json
import re
import struct
from base64 import b64encode
from typing import Any, ClassVar

from tests.fakes.scripted_server import Exchange
from tests.serve_llm.dialects.little_model import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    Asked,
    LittleProvider,
    Said,
    event,
)

VECTORS = [[0.5, -1.0], [0.25, 2.0]]


class LittleOpenAi(LittleProvider):
    """The little model at OpenAI."""

    kind = "openai"
    models: ClassVar[dict[str, Any]] = {"data": [{"id": "m-openai", "object": "model"}, {"id": "org/m-openai"}]}
    usage: ClassVar[dict[str, int]] = {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
    }

    def other(self, exchange: Exchange) -> Any:
        if exchange.path != "/embeddings":
            return None
        vectors: list[Any] = VECTORS
        if exchange.json().get("encoding_format") == "base64":
            vectors = [b64encode(struct.pack("<2f", *vector)).decode() for vector in VECTORS]
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        return {"object": "list", "data": data, "model": "m-openai", "usage": {"prompt_tokens": 3, "total_tokens": 3}}

    def asked(self, exchange: Exchange) -> Asked:
        body = exchange.json()
        last = body["messages"][-1]
        asked = Asked(body["model"], streams=body.get("stream") or False)
        asked.tools = [tool["function"]["name"] for tool in body.get("tools", ())]
        asked.has_schema = body.get("response_format", {}).get("type") == "json_schema"
        if last["role"] == "tool":
            asked.result = _text(last["content"])
            return asked
        asked.text = _text(last["content"])
        for part in last["content"] if isinstance(last["content"], list) else ():
            if part["type"] == "image_url":
                asked.images.append(part["image_url"]["url"].removeprefix("data:").partition(";")[0])
        return asked

    def whole(self, asked: Asked, said: Said) -> Any:
        message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
        if said.thought:
            message["reasoning_content"] = said.thought
        if said.calls:
            message["tool_calls"] = [_openai_call(*call) for call in said.calls]
        reason = "tool_calls" if said.calls else "stop"
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked.model,
            "choices": [choice],
            "usage": self.usage,
            "unknown_field": [1, 2],
        }

    def events(self, asked: Asked, said: Said) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        if said.thought:
            deltas.append({"reasoning_content": said.thought})
        deltas += [{"content": text} for text in said.texts]
        for index, call in enumerate(said.calls):
            begun = _openai_call(*call)
            arguments: str = begun["function"]["arguments"]
            begun["function"]["arguments"] = ""
            deltas.append({"tool_calls": [{"index": index, **begun}]})
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 4]}}]}
                for at in range(0, len(arguments), 4)
            ]
        events = [self._chunk(asked, [{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
        reason = "tool_calls" if said.calls else "stop"
        events.append(self._chunk(asked, [{"index": 0, "delta": {}, "finish_reason": reason}]))
        if (self.last.json().get("stream_options") or {}).get("include_usage"):
            events.append(self._chunk(asked, [], self.usage))
        return [*events, event("[DONE]")]

    def _chunk(self, asked: Asked, choices: list[Any], usage: Any = None) -> bytes:
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked.model}
        return event({**chunk, "choices": choices, "usage": usage})

    def refusal(self, status: int, message: str) -> Any:
        return {"error": {"message": message, "type": "some_error", "param": None, "code": "context_length_exceeded"}}


class LittleAnthropic(LittleProvider):
    """The little model at Anthropic; its thinking is signed."""

    kind = "anthropic"
    models: ClassVar[dict[str, Any]] = {"data": [{"id": "m-anthropic", "type": "model"}], "has_more": False}
    usage: ClassVar[dict[str, int]] = {
        "input_tokens": PROMPT_TOKENS - 5,
        "cache_read_input_tokens": 5,
        "output_tokens": COMPLETION_TOKENS,
    }

    def other(self, exchange: Exchange) -> Any:
        return {"input_tokens": 42} if exchange.path.endswith("/count_tokens") else None

    def asked(self, exchange: Exchange) -> Asked:
        body = exchange.json()
        last = body["messages"][-1]["content"]
        blocks: list[Any] = [{"type": "text", "text": last}] if isinstance(last, str) else last
        asked = Asked(body["model"], streams=body.get("stream") or False)
        asked.tools = [tool["name"] for tool in body.get("tools", ())]
        asked.has_schema = "format" in body.get("output_config", {})
        for block in blocks:
            match block["type"]:
                case "text":
                    asked.text += block["text"]
                case "tool_result":
                    asked.result = _text(block["content"])
                case "image":
                    asked.images.append(block["source"]["media_type"])
        return asked

    def whole(self, asked: Asked, said: Said) -> Any:
        return {
            **self._message(asked),
            "content": [*_anthropic_blocks(said)],
            "stop_reason": "tool_use" if said.calls else "end_turn",
            "usage": self.usage,
        }

    def events(self, asked: Asked, said: Said) -> list[bytes]:
        started = {
            **self._message(asked),
            "content": [],
            "stop_reason": None,
            "usage": {**self.usage, "output_tokens": 1},
        }
        events = [event({"type": "message_start", "message": started}, "message_start")]
        for index, block in enumerate(_anthropic_blocks(said)):
            deltas: list[dict[str, Any]]
            match block["type"]:
                case "thinking":
                    deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
                    deltas.append({"type": "signature_delta", "signature": block["signature"]})
                    empty = {**block, "thinking": "", "signature": ""}
                case "text":
                    deltas = [{"type": "text_delta", "text": text} for text in said.texts]
                    empty = {**block, "text": ""}
                case _:
                    text = json.dumps(block["input"])
                    deltas = [{"type": "input_json_delta", "partial_json": part} for part in (text[:3], text[3:])]
                    empty = {**block, "input": {}}
            events.append(_named("content_block_start", index=index, content_block=empty))
            events += [_named("content_block_delta", index=index, delta=delta) for delta in deltas]
            events.append(_named("content_block_stop", index=index))
        stopped = {"stop_reason": "tool_use" if said.calls else "end_turn", "stop_sequence": None}
        usage = {"output_tokens": COMPLETION_TOKENS}
        return [*events, _named("message_delta", delta=stopped, usage=usage), _named("message_stop")]

    def _message(self, asked: Asked) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "stop_sequence": None,
            "unknown_field": [1, 2],
        }

    def refusal(self, status: int, message: str) -> Any:
        return {"type": "error", "error": {"type": "some_error", "message": message}, "request_id": "req_1"}


class LittleGoogle(LittleProvider):
    """The little model at Google; its calls are signed."""

    kind = "google"
    models: ClassVar[dict[str, Any]] = {
        "models": [{"name": "models/m-google", "supportedGenerationMethods": ["generateContent"]}]
    }
    usage: ClassVar[dict[str, int]] = {
        "promptTokenCount": PROMPT_TOKENS,
        "candidatesTokenCount": COMPLETION_TOKENS - 2,
        "thoughtsTokenCount": 2,
    }

    def other(self, exchange: Exchange) -> Any:
        if exchange.path.endswith(":countTokens"):
            return {"totalTokens": 42}
        if exchange.path.endswith(":batchEmbedContents"):
            return {"embeddings": [{"values": vector} for vector in VECTORS]}
        return None

    def asked(self, exchange: Exchange) -> Asked:
        body = exchange.json()
        found = re.search(r"/models/([^:]+):(\w+)", exchange.path)
        assert found
        asked = Asked(found[1], streams=found[2].startswith("stream"))
        declared = [tool["functionDeclarations"] for tool in body.get("tools", ())]
        asked.tools = [function["name"] for functions in declared for function in functions]
        asked.has_schema = "responseJsonSchema" in body["generationConfig"]
        for part in body["contents"][-1]["parts"]:
            asked.text += part.get("text", "")
            if "inlineData" in part:
                asked.images.append(part["inlineData"]["mimeType"])
            if "functionResponse" in part:
                asked.result = str(part["functionResponse"]["response"]["output"])
        return asked

    def whole(self, asked: Asked, said: Said) -> Any:
        return self._answer(_google_parts(said), "STOP")

    def events(self, asked: Asked, said: Said) -> list[bytes]:
        parts = _google_parts(said)
        if said.text:
            parts[-1:] = [{"text": text} for text in said.texts]
        last = parts.pop()
        return [*(event(self._answer([part])) for part in parts), event(self._answer([last], "STOP"))]

    def _answer(self, parts: list[Any], reason: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if reason:
            candidate["finishReason"] = reason
        return {"candidates": [candidate], "usageMetadata": self.usage}

    def refusal(self, status: int, message: str) -> Any:
        return {"error": {"code": status, "message": message, "status": "SOME_ERROR"}}


class LittleOllama(LittleProvider):
    """The little model at Ollama."""

    kind = "ollama"
    models: ClassVar[dict[str, Any]] = {
        "models": [{"name": "m-ollama:latest", "model": "m-ollama:latest", "digest": "d"}]
    }
    media_type = "application/x-ndjson"

    @property
    def model(self) -> str:
        return "m-ollama:latest"

    def other(self, exchange: Exchange) -> Any:
        match exchange.path:
            case "/api/embed":
                return {"model": "m-ollama", "embeddings": VECTORS, "prompt_eval_count": 3}
            case "/api/embeddings":
                return {"embedding": VECTORS[0]}
            case _:
                return None

    def asked(self, exchange: Exchange) -> Asked:
        body = exchange.json()
        asked = Asked(body["model"], streams=body.get("stream") is not False)
        asked.tools = [tool["function"]["name"] for tool in body.get("tools") or ()]
        asked.has_schema = isinstance(body.get("format"), dict)
        last = body["messages"][-1] if "messages" in body else {"role": "user", "content": body["prompt"], **body}
        asked.images = ["image/png" for _ in last.get("images") or ()]
        if last["role"] == "tool":
            asked.result = last["content"]
        else:
            asked.text = last["content"]
        return asked

    def whole(self, asked: Asked, said: Said) -> Any:
        message: dict[str, Any] = {"content": said.text}
        if said.thought:
            message["thinking"] = said.thought
        if said.calls:
            message["tool_calls"] = _ollama_calls(said)
        return self._line(asked, message, done=True)

    def events(self, asked: Asked, said: Said) -> list[bytes]:
        messages: list[dict[str, Any]] = [{"content": "", "thinking": said.thought}] if said.thought else []
        messages += [{"content": text} for text in said.texts]
        messages += [{"content": "", "tool_calls": [call]} for call in _ollama_calls(said)]
        lines = [self._line(asked, message) for message in messages]
        lines.append(self._line(asked, {"content": ""}, done=True))
        return [json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines]

    def _line(self, asked: Asked, message: dict[str, Any], *, done: bool = False) -> dict[str, Any]:
        line: dict[str, Any] = {"model": asked.model, "created_at": "2026-01-01T00:00:00Z", "done": done}
        if self.last.path == "/api/generate":
            line |= {"response": message.pop("content"), **message}
        else:
            line["message"] = {"role": "assistant", **message}
        if done:
            line |= {"done_reason": "stop", "prompt_eval_count": PROMPT_TOKENS, "eval_count": COMPLETION_TOKENS}
            line |= {"total_duration": 3, "eval_duration": 1, "unknown_field": [1, 2]}
        return line

    def refusal(self, status: int, message: str) -> Any:
        return {"error": message}


def _named(type_: str, **fields: Any) -> bytes:
    return event({"type": type_, **fields}, type_)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def _openai_call(id_: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": id_, "type": "function", "function": function}


def _ollama_calls(said: Said) -> list[Any]:
    return [{"function": {"name": name, "arguments": arguments}} for _, name, arguments in said.calls]


def _anthropic_blocks(said: Said) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if said.thought:
        blocks.append({"type": "thinking", "thinking": said.thought, "signature": "signed"})
    if said.text:
        blocks.append({"type": "text", "text": said.text})
    blocks += [{"type": "tool_use", "id": id_, "name": name, "input": given} for id_, name, given in said.calls]
    return blocks


def _google_parts(said: Said) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"text": said.thought, "thought": True}] if said.thought else []
    parts += [{"functionCall": {"name": name, "args": given}} for _, name, given in said.calls]
    if said.calls:
        parts[-len(said.calls)]["thoughtSignature"] = "c2lnbmVk"
    return [*parts, {"text": said.text}] if said.text else parts


PROVIDERS = (LittleOpenAi, LittleAnthropic, LittleGoogle, LittleOllama)
