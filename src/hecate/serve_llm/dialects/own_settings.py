"""Settings that some providers have and others have not, by each one's name for them.

A request of a dialect may hold settings for which the neutral form has no field.  What says nothing
is left out; what the provider has goes into ``extra``; anything else is refused, so that no model
is asked for something other than what the caller wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.providers.ollama_body import OPTIONS
from hecate.serve_llm.providers.provider import Provider

_NAMES: dict[str, Mapping[str, str]] = {
    "openai": {name: name for name in ("top_k", "min_p", "frequency_penalty", "presence_penalty", "repeat_penalty")},
    "anthropic": {"top_k": "top_k"},
    "google": {
        "top_k": "topK",
        "frequency_penalty": "frequencyPenalty",
        "presence_penalty": "presencePenalty",
    },
    "ollama": {name: name for name in (*OPTIONS, "options", "keep_alive", "think")},
}
"""For each kind of provider, its names of settings."""

_SAY_NOTHING: Mapping[str, Any] = {
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repeat_penalty": 1,
    "min_p": 0,
    "mirostat": 0,
    "tfs_z": 1,
    "typical_p": 1,
}
"""The values at which a setting changes nothing."""


def own_settings(given: Mapping[str, Any], provider: Provider) -> dict[str, Any]:
    """Return *given* as *provider* names it, for the ``extra`` of a request.

    Raises:
        Invalid: The provider does not have a setting.
    """
    names = _NAMES.get(provider.dialect, {})
    settings: dict[str, Any] = {}
    for name, value in given.items():
        if name in names:
            settings[names[name]] = value
        elif value is not None and (name not in _SAY_NOTHING or _SAY_NOTHING[name] != value):
            raise Invalid(f"{provider.name} does not know `{name}` - at `$.{name}`")
    return settings
