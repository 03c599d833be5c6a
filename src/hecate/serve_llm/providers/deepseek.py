"""DeepSeek, which speaks OpenAI's API, and wants its reasoning back while tools are at work."""

from hecate.serve_llm.providers.openai import openai_like
from hecate.serve_llm.providers.openai_body import Manners

PROVIDER = openai_like(
    "deepseek",
    "https://api.deepseek.com",
    Manners(reasoning_field="reasoning_content", reasoning_always=True, json_schema=False),
)
