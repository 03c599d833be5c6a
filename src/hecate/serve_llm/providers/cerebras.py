"""Cerebras, which speaks OpenAI's API."""

from hecate.serve_llm.providers.openai import openai_like

PROVIDER = openai_like("cerebras", "https://api.cerebras.ai/v1")
