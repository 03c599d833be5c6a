"""xAI, which speaks OpenAI's API."""

from hecate.serve_llm.providers.openai import openai_like

PROVIDER = openai_like("xai", "https://api.x.ai/v1")
