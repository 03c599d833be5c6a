"""What is sent to servers that speak OpenAI's API."""

from __future__ import annotations

import json

from hecate.serve_llm.messages import CacheControl, ChatRequest, TextPart, Tool, UserMessage
from hecate.serve_llm.providers.openai_body import Manners, request_body


def test_marks_are_sent_without_what_they_do_not_say() -> None:
    """A ``ttl`` that is null is refused by those who take marks; the others get none."""
    parts = (TextPart("one", CacheControl()), TextPart("two", CacheControl(ttl="1h")), TextPart("three"))
    tool = Tool("f", cache_control=CacheControl())
    request = ChatRequest(model="m", messages=(UserMessage(parts),), tools=(tool,))
    body = json.loads(request_body(request, "some", {}, Manners(cache_marks=True)))
    marks = [part.get("cache_control") for part in body["messages"][0]["content"]]
    assert marks == [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, None]
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert b"cache_control" not in request_body(request, "some", {}, Manners())
