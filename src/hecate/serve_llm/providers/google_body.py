"""What is sent to Google's ``generateContent``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from mimetypes import guess_type
from typing import Any

import msgspec

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.messages import (
    AssistantMessage,
    ChatRequest,
    DeveloperMessage,
    FilePart,
    ImagePart,
    Message,
    Part,
    ResponseFormat,
    SystemMessage,
    TextPart,
    Tool,
    ToolMessage,
    UserMessage,
)
from hecate.serve_llm.providers.inline_data import inline_data
from hecate.serve_llm.providers.kept import Called, Opaque, Stretch, in_order
from hecate.serve_llm.providers.own_fields import add_own_fields
from hecate.serve_llm.providers.provider import refuse_reserved

RESERVED = frozenset({"model", "contents", "stream"})
"""What ``extra`` must not replace, since the reading of the answer depends on it."""
GROUPS = frozenset({"generationConfig", "toolConfig"})
GENERATION = frozenset(
    {
        "candidateCount",
        "enableEnhancedCivicAnswers",
        "frequencyPenalty",
        "imageConfig",
        "logprobs",
        "mediaResolution",
        "presencePenalty",
        "responseLogprobs",
        "responseModalities",
        "speechConfig",
        "thinkingConfig",
        "topK",
    }
)
"""The fields of ``extra`` that Google wants inside ``generationConfig``; the others go beside it."""
UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Google's own word (``skip_thought_signature_validator``) for a call that another model has made."""
BUDGET_TOKENS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
"""How many tokens a model may reason, for one that wants to be told a number, as Google translates efforts."""
_VERSION = re.compile(r"gemini-(\d+)(?!\d)")

Fields = dict[str, Any]


def request_body(request: ChatRequest, provider: str, options: Mapping[str, Any]) -> Fields:
    """Return the JSON object to send for *request*; *options* are the account's own ``extra``.

    Raises:
        Invalid: The request asks for what Google cannot do.
    """
    if request.tools and request.parallel_tool_calls is False:
        raise Invalid(f"{provider} cannot keep a model from calling several tools at once")
    body: Fields = {"contents": _contents(request, provider)}
    if instructions := _instructions(request.messages, provider):
        # With a role, as Google's own clients send it.
        body["systemInstruction"] = {"parts": instructions, "role": "user"}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in request.tools]}]
    if calling := _calling(request):
        body["toolConfig"] = {"functionCallingConfig": calling}
    body["generationConfig"] = _generation(request)
    refuse_reserved(request.extra, RESERVED)
    for given in (options, request.extra):
        inside = {name: value for name, value in given.items() if name in GENERATION}
        beside = {name: value for name, value in given.items() if name not in GENERATION}
        body["generationConfig"].update(inside)
        add_own_fields(body, beside, GROUPS)
    return body


def is_gemini_3(model: str) -> bool:
    """Tell whether *model* is of Gemini 3 or newer, which wants calls signed and efforts as levels."""
    found = _VERSION.search(model)
    # A name without a number, such as `gemini-flash-latest`, means the newest.
    return model.startswith("gemini-") if found is None else int(found[1]) >= 3


def _contents(request: ChatRequest, provider: str) -> list[Fields]:
    names: dict[str, str] = {}
    contents: list[Fields] = []
    results: list[Fields] | None = None
    """The parts of the last content, while it is one of results."""
    for message in request.messages:
        match message:
            case ToolMessage():
                if results is None:
                    results = []
                    contents.append({"role": "user", "parts": results})
                results.append(_result(message, names, provider))
                continue
            case UserMessage():
                contents.append({"role": "user", "parts": [_part(part) for part in message.parts] or [{"text": ""}]})
            case AssistantMessage():
                names |= {call.id: call.name for call in message.tool_calls}
                contents.append({"role": "model", "parts": _said(message, request.model, provider) or [{"text": ""}]})
            case SystemMessage() | DeveloperMessage():
                continue
        results = None
    return contents


def _instructions(messages: Sequence[Message], provider: str) -> list[Fields]:
    parts = [
        part for message in messages if isinstance(message, SystemMessage | DeveloperMessage) for part in message.parts
    ]
    if not all(isinstance(part, TextPart) for part in parts):
        raise Invalid(f"{provider} takes instructions as text only")
    return [_part(part) for part in parts]


def _said(message: AssistantMessage, model: str, provider: str) -> list[Fields]:
    parts: list[Fields] = []
    calls: list[Fields] = []
    for strand in in_order(message, provider):
        match strand:
            case Opaque():
                parts.append(strand.block)
            case Stretch():
                parts.append({**_part(strand.part), **strand.fields})
            case Called():
                call = strand.call
                # What is no JSON object is wrapped into one, so that the model sees its mistake.
                arguments = {"INVALID_JSON": call.malformed_arguments} if call.malformed_arguments else call.arguments
                made = {"id": call.id, "name": call.name, "args": arguments}
                calls.append({"functionCall": made, **strand.fields})
                parts.append(calls[-1])
    if calls and is_gemini_3(model):
        # The first call of a turn carries the signature for all that were made with it.
        calls[0].setdefault("thoughtSignature", UNSIGNED)
    return parts


def _result(message: ToolMessage, names: Mapping[str, str], provider: str) -> Fields:
    name = names.get(message.tool_call_id)
    if name is None:
        raise Invalid(f"{provider} needs the call that the result {message.tool_call_id!r} answers, before it")
    response: Fields = {"id": message.tool_call_id, "name": name, "response": _response(message)}
    shown = [_part(part) for part in message.parts if not isinstance(part, TextPart)]
    if not all("inlineData" in part for part in shown):
        raise Invalid(f"{provider} fetches nothing for the result of a tool; send it as base64 `data`")
    if shown:
        response["parts"] = shown
    return {"functionResponse": response}


def _response(message: ToolMessage) -> Fields:
    """Return the text of a result as the object that Google wants; one that is an object stays as it is."""
    text = message.text
    if message.is_error:
        return {"error": text}
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.DecodeError:
            pass
    return {"output": text}


def _part(part: Part) -> Fields:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if (inline := inline_data(part)) is not None:
        return {"inlineData": {"mimeType": inline.media_type, "data": inline.data}}
    return {"fileData": _file(part)}


def _file(part: ImagePart | FilePart) -> Fields:
    media_type = part.media_type or guess_type(part.url)[0]
    return {"fileUri": part.url, "mimeType": media_type} if media_type else {"fileUri": part.url}


def _declaration(tool: Tool) -> Fields:
    declaration: Fields = {"name": tool.name, "parametersJsonSchema": tool.input_schema}
    if tool.description is not None:
        declaration["description"] = tool.description
    return declaration


def _calling(request: ChatRequest) -> Fields:
    choice = request.tool_choice
    mode = "auto" if choice is None else choice.mode
    match mode:
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name if choice else ""]}
        case "required":
            return {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case "auto":
            if any(tool.strict for tool in request.tools):
                return {"mode": "VALIDATED"}
            return {} if choice is None else {"mode": "AUTO"}


def _generation(request: ChatRequest) -> Fields:
    optional = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": request.max_tokens,
        "stopSequences": request.stop or None,
        "seed": request.seed,
    }
    settings: Fields = {name: value for name, value in optional.items() if value is not None}
    if request.response_format is not None:
        settings |= _format(request.response_format)
    if request.reasoning_effort is not None:
        settings["thinkingConfig"] = _thinking(request.reasoning_effort, request.model)
    return settings


def _format(wanted: ResponseFormat) -> Fields:
    settings: Fields = {"responseMimeType": "application/json"}
    if wanted.type == "json_schema" and wanted.schema is not None:
        settings["responseJsonSchema"] = wanted.schema
    return settings


def _thinking(effort: str, model: str) -> Fields:
    """Return what makes *model* reason with *effort*: a level from Gemini 3 on, a number of tokens before."""
    if effort not in BUDGET_TOKENS:
        raise Invalid(f"`reasoning_effort` can be {', '.join(BUDGET_TOKENS)}, not {effort!r}")
    if not is_gemini_3(model):
        budget = BUDGET_TOKENS[effort]
        return {"thinkingBudget": budget, "includeThoughts": True} if budget else {"thinkingBudget": 0}
    if effort == "none":
        raise Invalid(f"{model} cannot be kept from reasoning; the least that it takes is `minimal` or `low`")
    return {"thinkingLevel": "high" if effort in {"xhigh", "max"} else effort, "includeThoughts": True}
