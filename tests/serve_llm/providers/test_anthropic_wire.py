"""What Anthropic has really sent is read right, and what it has accepted is what is sent.

The recordings are data from elsewhere: ``HECATE_WIRE_CORPUS`` names the file, or these tests are
skipped.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import Any

import pytest

from tests.serve_llm.asking import OpenGateway, Serve
from tests.serve_llm.providers.recordings import Recording, answered, each_of, replaying, sent_back

REASONS = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}
OWN_TOOL_FIELDS = ("defer_loading",)
"""Fields of a tool for which there is no neutral form."""

Block = dict[str, Any]

each = pytest.mark.parametrize("recording", each_of("anthropic"))


@each
async def test_reading(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """Text, reasoning, tool calls, finish reason and tokens are those of the recording, wherever it is cut."""
    gateway, _ = await replaying(recording, serve, open_gateway)
    blocks, reason, usage = as_recorded(recording)
    answer = await answered(gateway, **neutral_body(recording))
    assert answer["content"] == "".join(block["text"] for block in blocks if block["type"] == "text")
    assert answer.get("reasoning", "") == "".join(block["thinking"] for block in blocks if block["type"] == "thinking")
    assert [(call["id"], call["name"], call.get("arguments", {})) for call in answer.get("tool_calls", [])] == [
        (block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"
    ]
    assert answer["finish_reason"] == REASONS[reason]
    cached, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    prompt, completion = usage["input_tokens"] + cached + written, usage["output_tokens"]
    assert answer["usage"] == {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cached_tokens": cached,
        "reasoning_tokens": usage.get("output_tokens_details", {}).get("thinking_tokens", 0),
    }


@each
async def test_sending_back(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """The answer, sent back as it was received, has the recording's blocks again, unchanged and in order."""
    gateway, requests = await replaying(recording, serve, open_gateway)
    said, _, _ = as_recorded(recording)
    answer = await answered(gateway, **neutral_body(recording))
    messages = [{"role": "user", "content": "Hi"}, sent_back(answer)]
    await answered(gateway, model="anthropic/claude-sonnet-4-6", messages=messages, stream=recording["stream"])
    sent = requests[-1]["messages"][1]["content"]
    assert joined(sent) == joined([without_caller(block) for block in said])
    assert [block for block in sent if "citations" in block] == [block for block in said if block.get("citations")]


@each
async def test_writing(recording: Recording, serve: Serve, open_gateway: OpenGateway) -> None:
    """The same conversation is sent to Anthropic as in the recording, which it has accepted."""
    gateway, requests = await replaying(recording, serve, open_gateway)
    await answered(gateway, **neutral_body(recording))
    assert requests[0] == comparable(recording["request"])


def joined(blocks: list[Block]) -> list[Block]:
    """Return *blocks* with texts that follow each other as one, without those that say nothing."""
    found: list[Block] = []
    for block in blocks:
        if block["type"] != "text":
            found.append(block)
        elif found and found[-1]["type"] == "text":
            found[-1] = {"type": "text", "text": found[-1]["text"] + block["text"]}
        elif block["text"]:
            found.append({"type": "text", "text": block["text"]})
    return found


def without_caller(block: Block) -> Block:
    """Return *block* without what need not be sent back."""
    return {name: value for name, value in block.items() if name != "caller" or value != {"type": "direct"}}


def comparable(request: dict[str, Any]) -> dict[str, Any]:
    """Return *request* in the forms that the gateway uses, and without what it has no words for."""
    request = dict(request)
    if isinstance(request.get("system"), str):
        request["system"] = [{"type": "text", "text": request["system"]}]
    if "tools" in request:
        request["tools"] = [
            {name: value for name, value in tool.items() if name not in OWN_TOOL_FIELDS} for tool in request["tools"]
        ]
        request["tools"].sort(key=lambda tool: "type" in tool)
    request["messages"] = [spoken for message in request["messages"] for spoken in without_changes(message)]
    return request


def without_changes(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return *message* without the blocks that change the tools, or that refer to one."""
    blocks = [block for block in message["content"] if block["type"] != "tool_addition"]
    for place, block in enumerate(blocks):
        if block["type"] == "tool_result":
            blocks[place] = {**block, "content": [part for part in block["content"] if part["type"] == "text"]}
    return [{**message, "content": blocks}] if blocks else []


def neutral_body(recording: Recording) -> dict[str, Any]:
    """Return the request of *recording* as a body for ``POST /api/llm/chat``."""
    request = dict(recording["request"])
    body: dict[str, Any] = {
        "model": f"anthropic/{request.pop('model')}",
        "max_tokens": request.pop("max_tokens"),
        "stream": request.pop("stream"),
    }
    system = request.pop("system", [])
    instructions = [{"role": "system", "content": system}] if system else []
    turns = [spoken for message in request.pop("messages") for spoken in neutral_messages(message)]
    body["messages"] = [*instructions, *turns]
    tools = request.pop("tools", [])
    body["tools"] = [{name: tool[name] for name in tool if name not in OWN_TOOL_FIELDS} for tool in tools]
    body["tools"] = [tool for tool in body["tools"] if "type" not in tool]
    if own := [tool for tool in tools if "type" in tool]:
        request["tools"] = own
    if "tool_choice" in request:
        body["tool_choice"] = request.pop("tool_choice")["type"]
    if "output_config" in request:
        body["response_format"] = request.pop("output_config")["format"]
    body["extra"] = request
    return body


def neutral_messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return *message* in the gateway's form: each result of a tool is a message of its own."""
    if message["role"] == "assistant":
        return [neutral_assistant(message["content"])]
    texts = [block for block in message["content"] if block["type"] == "text"]
    spoken = [{"role": message["role"], "content": texts}] if texts else []
    results = [
        {
            "role": "tool",
            "tool_call_id": block["tool_use_id"],
            "content": [part for part in block["content"] if part["type"] == "text"],
            "is_error": block["is_error"],
        }
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    return [*results, *spoken]


def neutral_assistant(blocks: list[Block]) -> dict[str, Any]:
    """Return an assistant's *blocks* as one message, those of Anthropic's own as signatures with their places."""
    lengths = accumulate((len(block.get("text", "")) for block in blocks), initial=0)
    counts = accumulate((block["type"] == "tool_use" for block in blocks), initial=0)
    return {
        "role": "assistant",
        "content": "".join(block.get("text", "") for block in blocks),
        "tool_calls": [
            {"id": block["id"], "name": block["name"], "arguments": block["input"]}
            for block in blocks
            if block["type"] == "tool_use"
        ],
        "signatures": [
            {"provider": "anthropic", "block": block, "after_characters": length, "after_calls": count}
            for block, length, count in zip(blocks, lengths, counts, strict=False)
            if block["type"] not in {"text", "tool_use"}
        ],
    }


def as_recorded(recording: Recording) -> tuple[list[Block], str, dict[str, Any]]:
    """Return the blocks, the reason to stop and the usage in *recording*, read in the plainest way."""
    if not recording["stream"]:
        whole = json.loads(recording["response"])
        return whole["content"], whole["stop_reason"], whole["usage"]
    lines = recording["response"].split("\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    blocks: list[Block] = []
    written: list[str] = []
    reason = ""
    usage: dict[str, Any] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                usage |= event["message"]["usage"]
            case "content_block_start":
                blocks.append(event["content_block"])
                written.append("")
            case "content_block_delta":
                more = event["delta"]
                kind = more.pop("type")
                block = blocks[event["index"]]
                if kind == "input_json_delta":
                    written[event["index"]] += more["partial_json"]
                elif kind == "citations_delta":
                    block["citations"].append(more["citation"])
                else:
                    ((name, value),) = more.items()
                    block[name] += value
            case "content_block_stop":
                if written[event["index"]]:
                    blocks[event["index"]]["input"] = json.loads(written[event["index"]])
            case "message_delta":
                reason = event["delta"]["stop_reason"]
                usage |= event["usage"]
    return blocks, reason, usage
