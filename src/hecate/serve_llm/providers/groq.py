"""Groq, which speaks OpenAI's API."""

from hecate.serve_llm.providers.openai import openai_like

PROVIDER = openai_like("groq", "https://api.groq.com/openai/v1")
