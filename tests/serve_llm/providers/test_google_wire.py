"""What Google has really sent is read right, and what it has accepted is what is sent.

The recordings are data from elsewhere: ``HECATE_WIRE_CORPUS`` names the file, or these tests are
skipped.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

import pytest

from hecate.serve_llm.providers.google_body import UNSIGNED
from tests.serve_llm.asking import OpenGateway, Serve
from tests.serve_llm.providers.recordings import Recording, answered, each_of, replaying, sent_back

REASONS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}

Fields = dict[str, Any]

each = pytest.mark.parametrize("recording", each_of("google"))


@each
async def test_reading(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """Text, reasoning, tool calls, finish reason and tokens are those of the recording, wherever it is cut."""
    gateway, _ = await replaying(recording, serve, open_gateway)
    parts, reason, usage = as_recorded(recording)
    answer = await answered(gateway, **neutral_body(recording))
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert answer["content"] == "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    assert answer.get("reasoning", "") == "".join(part["text"] for part in parts if part.get("thought"))
    made = answer.get("tool_calls", [])
    assert [(call["name"], call.get("arguments", {})) for call in made] == [
        (call["name"], call["args"]) for call in calls
    ]
    assert all(call["id"] == recorded.get("id", call["id"]) for call, recorded in zip(made, calls, strict=True))
    assert len({call["id"] for call in made}) == len(made)
    assert answer["finish_reason"] == ("tool_calls" if calls else REASONS[reason])
    reasoning = usage.get("thoughtsTokenCount", 0)
    completion = usage.get("candidatesTokenCount", 0) + reasoning
    assert answer["usage"] == {
        "prompt_tokens": usage["totalTokenCount"] - completion,
        "completion_tokens": completion,
        "total_tokens": usage["totalTokenCount"],
        "cached_tokens": usage.get("cachedContentTokenCount", 0),
        "reasoning_tokens": reasoning,
    }


@each
async def test_sending_back(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """The answer, sent back as it was received, has the recording's parts again, each with its own signature."""
    gateway, requests = await replaying(recording, serve, open_gateway)
    said, _, _ = as_recorded(recording)
    answer = await answered(gateway, **neutral_body(recording))
    messages = [{"role": "user", "content": "Hi"}, sent_back(answer)]
    await answered(gateway, model="google/gemini-2.5-flash", messages=messages, stream=recording["stream"])
    sent = requests[-1]["contents"][1]["parts"]
    assert joined(sent) == joined(said)


@each
async def test_writing(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """The same conversation is sent to Google as in the recording, which it has accepted."""
    gateway, requests = await replaying(recording, serve, open_gateway)
    await answered(gateway, **neutral_body(recording))
    assert comparable(requests[0]) == comparable(recording["request"])


def joined(parts: list[Fields]) -> list[Fields]:
    """Return *parts* with texts that follow each other as one, unless signed; summaries of thought are not wanted."""
    found: list[Fields] = []
    for part in parts:
        if part.keys() == {"text"}:
            if found and found[-1].keys() == {"text"}:
                found[-1] = {"text": found[-1]["text"] + part["text"]}
            elif part["text"]:
                found.append(part)
        elif "functionCall" in part:
            found.append({**part, "functionCall": {**part["functionCall"], "id": ""}})
        elif not part.get("thought") or "thoughtSignature" in part:
            found.append(part)
    return found


def comparable(request: Fields) -> Fields:
    """Return *request* with the names that Google's client spells in two ways, and its types of schemas, in one."""
    text = json.dumps(request)
    for name, spelt in (("parameters_json_schema", "parametersJsonSchema"), ("parameters", "parametersJsonSchema")):
        text = text.replace(f'"{name}":', f'"{spelt}":')
    for kind in ("OBJECT", "STRING"):
        text = text.replace(f'"type": "{kind}"', f'"type": "{kind.lower()}"')
    found: Fields = json.loads(text)
    for content in found["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                part["functionResponse"]["response"] = comparable_response(part["functionResponse"]["response"])
    return found


def comparable_response(response: Fields) -> Fields:
    """Return the *response* of a function; the name of one that is no object is anybody's choice."""
    return {"output": response["return_value"]} if response.keys() == {"return_value"} else response


def neutral_body(recording: Recording) -> dict[str, Any]:
    """Return the request of *recording* as a body for ``POST /api/llm/chat``."""
    request = json.loads(json.dumps(recording["request"]))
    model = recording["path"].removeprefix("/v1beta/models/").partition(":")[0]
    body: dict[str, Any] = {"model": f"google/{model}", "stream": recording["stream"]}
    instructions = request.pop("systemInstruction", {"parts": []})["parts"]
    body["messages"] = [{"role": "system", "content": part["text"]} for part in instructions]
    for content in request.pop("contents"):
        body["messages"].extend(neutral_messages(content))
    settings = request["generationConfig"]
    if "stopSequences" in settings:
        body["stop"] = settings.pop("stopSequences")
    if settings.pop("responseMimeType", None):
        body["response_format"] = {"type": "json_schema", "schema": settings.pop("responseJsonSchema")}
    declarations = [tool for tools in request.get("tools", []) for tool in tools.get("functionDeclarations", [])]
    body["tools"] = [
        {
            "name": tool["name"],
            "description": tool["description"],
            "input_schema": lower(tool.get("parameters_json_schema") or tool["parameters"]),
        }
        for tool in declarations
    ]
    if declarations:
        request.pop("tools")
    if request.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode") == "AUTO":
        request.pop("toolConfig")
        body["tool_choice"] = "auto"
    body["extra"] = request
    return body


def lower(schema: Any) -> Any:
    """Return *schema* with the types as JSON Schema spells them."""
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else lower(value)
        for name, value in schema.items()
    }


def neutral_messages(content: Fields) -> list[dict[str, Any]]:
    """Return *content* in the gateway's form: each result of a function is a message of its own."""
    if content["role"] == "model":
        return [neutral_assistant(content["parts"])]
    texts = [{"type": "text", "text": part["text"]} for part in content["parts"] if "text" in part]
    responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
    results = [
        {"role": "tool", "tool_call_id": response["id"], "content": neutral_result(response["response"])}
        for response in responses
    ]
    return [*results, {"role": "user", "content": texts}] if texts else results


def neutral_result(response: Fields) -> str:
    """Return the *response* of a function as the text of a result."""
    return str(response["return_value"]) if response.keys() == {"return_value"} else json.dumps(response)


def neutral_assistant(parts: list[Fields]) -> dict[str, Any]:
    """Return a model's *parts* as one message, signatures and parts of Google's own as signatures."""
    lengths = accumulate((len(part.get("text", "")) for part in parts), initial=0)
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    signatures = []
    for part, length in zip(parts, lengths, strict=False):
        own = {
            name: value for name, value in part.items() if name not in {"text", "functionCall"} and value != UNSIGNED
        }
        signature = {"provider": "google", "block": own, "after_characters": length}
        if "functionCall" in part:
            signature["call_id"] = part["functionCall"]["id"]
        elif "text" in part:
            signature["characters"] = len(part["text"])
        if own:
            signatures.append(signature)
    return {
        "role": "assistant",
        "content": "".join(part.get("text", "") for part in parts),
        "tool_calls": [{"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in calls],
        "signatures": signatures,
    }


def as_recorded(recording: Recording) -> tuple[list[Fields], str, Fields]:
    """Return the parts, the reason to finish and the usage in *recording*, read in the plainest way."""
    if recording["stream"]:
        lines = recording["response"].splitlines()
        chunks = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    else:
        chunks = [json.loads(recording["response"])]
    parts: list[Fields] = []
    reason = ""
    for chunk in chunks:
        (candidate,) = chunk["candidates"]
        parts.extend(candidate["content"]["parts"])
        reason = candidate.get("finishReason", reason)
    return parts, reason, chunks[-1]["usageMetadata"]
