"""Which provider a model's name means, and who else may answer in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from hecate.serve_llm.catalogue import Catalogue
from hecate.serve_llm.errors import ModelNotFound
from hecate.serve_llm.providers.provider import Model, Provider
from hecate.serve_llm.settings import LlmSettings

SEARCH_AGAIN_SECONDS = 3.0
"""How soon an unknown name makes the providers list their models again."""

Target = tuple[Provider, str]
"""A provider and its own name of a model."""


class Routing:
    """Finds the provider of a model.

    Args:
        catalogue: What the providers list.
        settings: Whose aliases and fallbacks hold; an alias of an alias is followed.
        unconfigured: Providers that could be configured, to say so.
    """

    def __init__(self, catalogue: Catalogue, settings: LlmSettings, unconfigured: frozenset[str]) -> None:
        self._catalogue = catalogue
        self._aliases: Mapping[str, Sequence[str]] = {
            alias: (meant,) if isinstance(meant, str) else meant for alias, meant in settings.aliases.items()
        }
        self._fallbacks = settings.fallbacks
        self._unconfigured = unconfigured

    async def target(self, model: str) -> Target:
        """Return who serves *model*: a listed name, ``provider/name``, or an alias, tried in this order.

        Raises:
            ModelNotFound: Nobody does, even when asked again.
        """
        name = self._meant(model)[-1] if self._aliases else model
        if found := self._known(name):
            return found
        if found := await self._catalogue.search(name, at_most_seconds_old=SEARCH_AGAIN_SECONDS):
            return found
        raise ModelNotFound(self._why_not(name))

    def choices(self, model: str) -> Sequence[str]:
        """Return the names that may answer to *model*: what it means, then its fallbacks, in order."""
        if not self._aliases and not self._fallbacks:
            return (model,)
        meant = self._meant(model)
        chosen = [meant[-1]]
        for name, further in pairwise(meant):
            chosen += (other for other in self._aliases[name] if other != further)
        for name in meant:
            chosen += self._fallbacks.get(name, ())
        if found := self._known(meant[-1]):
            provider, name = found
            chosen += self._fallbacks.get(f"{provider.name}/{name}", ())
            chosen += self._fallbacks.get(name, ())
        return tuple(dict.fromkeys(chosen))

    def aliased(self, models: Iterable[Model]) -> list[Model]:
        """Return what each alias means now, of *models*, under the alias's name; nothing for one that means none."""
        by_id = {model.id: model for model in models}
        found: list[Model] = []
        for alias in self._aliases:
            # A model that is really called so goes before.
            target = None if self._known(alias) else self._known(self._meant(alias)[-1])
            model = by_id.get(f"{target[0].name}/{target[1]}") if target else None
            if model is not None:
                found.append(replace(model, name=alias, id=alias, also=()))
        return found

    def _meant(self, model: str) -> list[str]:
        """Return *model*, and what it is an alias of, up to a name that is known or is no alias."""
        meant = [model]
        for _ in self._aliases:
            aliased = None if self._known(meant[-1]) else self._aliases.get(meant[-1])
            if not aliased:
                break
            meant.append(aliased[0])
        return meant

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
