"""OpenRouter, which speaks OpenAI's API for the models of many providers."""

from hecate.serve_llm.providers.openai import openai_like
from hecate.serve_llm.providers.openai_body import Manners

PROVIDER = openai_like(
    "openrouter", "https://openrouter.ai/api/v1", Manners(reasoning_field="reasoning", cache_marks=True)
)
