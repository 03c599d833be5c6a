"""Which provider a model's name means."""

from __future__ import annotations

from collections.abc import Mapping

from hecate.serve_llm.catalogue import Catalogue
from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.providers.provider import Provider

SEARCH_AGAIN_SECONDS = 3.0
"""How soon an unknown name makes the providers list their models again."""

Target = tuple[Provider, str]
"""A provider and its own name of a model."""


class Routing:
    """Finds the provider of a model.

    Args:
        catalogue: What the providers list.
        aliases: Other names for models; an alias of an alias is followed.
        unconfigured: Providers that could be configured, to say so.
    """

    def __init__(self, catalogue: Catalogue, aliases: Mapping[str, str], unconfigured: frozenset[str]) -> None:
        self._catalogue = catalogue
        self._aliases = aliases
        self._unconfigured = unconfigured

    async def target(self, model: str) -> Target:
        """Return who serves *model*: a listed name, ``provider/name``, or an alias, tried in this order.

        Raises:
            ModelNotFound: Nobody does, even when asked again.
        """
        if found := self._known(model):
            return found
        for _ in self._aliases:
            aliased = self._aliases.get(model)
            if aliased is None:
                break
            model = aliased
            if found := self._known(model):
                return found
        if found := await self._catalogue.search(model, at_most_seconds_old=SEARCH_AGAIN_SECONDS):
            return found
        raise ModelNotFound(self._why_not(model))

    def _known(self, model: str) -> Target | None:
        if found := self._catalogue.find(model):
            return found
        # A name may hold slashes itself, and look like a path: only a provider's name before the
        # first one counts.  The provider is asked even for what it does not list.
        prefix, slash, name = model.partition("/")
        shelf = self._catalogue.shelves.get(prefix) if slash and name else None
        return (shelf.provider, shelf.names.get(name, name)) if shelf is not None else None

    def _why_not(self, model: str) -> str:
        prefix, slash, _ = model.partition("/")
        if slash and prefix in self._unconfigured:
            return f"no provider has the model {model!r}: {prefix} is not configured"
        errors = [shelf.error for shelf in self._catalogue.shelves.values() if shelf.error]
        if errors:
            return f"no provider that answers has the model {model!r}, and not all do: {'; '.join(errors)}"
        return f"no provider has the model {model!r}; GET /api/llm/models lists those there are"
