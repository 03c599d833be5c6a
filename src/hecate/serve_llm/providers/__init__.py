"""The providers, one module each: whoever adds a module with a ``PROVIDER`` has added a provider."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hecate.serve_llm.providers.provider import ProviderKind

CONTRACT = ("ollama", "anthropic", "openai", "google")
"""The providers that the contract names: health always tells about these."""


@cache
def provider_kinds() -> dict[str, ProviderKind]:
    """Return every kind of provider by name: the contract's first, then the others by module name.

    Raises:
        ValueError: Two modules give the same name.
    """
    found: dict[str, ProviderKind] = {}
    for module in iter_modules(__path__):
        kind = getattr(import_module(f"{__name__}.{module.name}"), "PROVIDER", None)
        if kind is None:
            continue
        if kind.name in found:
            raise ValueError(f"provider {kind.name!r} is defined twice, again in {module.name}.py")
        found[kind.name] = kind
    return dict(sorted(found.items(), key=lambda item: _rank(item[0])))


def _rank(name: str) -> tuple[int, str]:
    return (CONTRACT.index(name) if name in CONTRACT else len(CONTRACT), name)
