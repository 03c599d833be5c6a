"""What other tools speak: the APIs of OpenAI, Anthropic and Ollama, each in front of every provider.

A request in a provider's own dialect goes to it as it came, but for the model's name; any other
is read into the neutral form, and the neutral answer is written in the dialect's.  Each module
that exports ``ROUTES`` adds paths; none of them knows a provider.
"""
