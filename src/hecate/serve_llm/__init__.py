"""The LLM gateway: one way to chat with every model, wherever it runs."""
