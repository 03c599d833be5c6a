"""From a path to its route: a tree of path segments.

The routes are data and many, and most paths differ only in their last segments: a list of
regular expressions would be tried one by one for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hecate.dossiers.errors import HecateError, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from hecate.endpoints import Raw, Route

REST_OF_PATH = ":path}"
"""Ends a parameter that takes all that is left of the path."""
LONGEST_SEGMENT = 200
"""Characters of a path between two slashes; no id is longer, and an error repeats it."""
LONGEST_PATH_SHOWN = 300


@dataclass(slots=True)
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    rest: _Node | None = None
    """What takes all that is left of the path, where nothing else does."""
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)
    """By method, with the names of the path's parameters."""


class Router:
    """Finds the route of a method and a path.  A literal segment wins over a parameter.

    Raises:
        ValueError: Two routes have the same method and path.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._plain: dict[tuple[str, str], Route] = {}
        """By method and path, the routes whose paths have no parameters: most of what is asked often."""
        for route in routes:
            for path in (route.path, *route.aliases):
                self._add(route, path)

    def _add(self, route: Route, path: str) -> None:
        node = self._root
        names: list[str] = []
        for segment in _segments(path):
            if segment.endswith(REST_OF_PATH):
                names.append(segment.removeprefix("{").removesuffix(REST_OF_PATH))
                node.rest = node.rest or _Node()
                node = node.rest
            elif segment.startswith("{"):
                names.append(segment.strip("{}"))
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes answer {route.method} {path}")
        node.routes[route.method] = (route, tuple(names))
        if not names:
            self._plain[route.method, path] = route

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and the path's parameters.  HEAD is answered by GET's route.

        Raises:
            NotFound: No route has the path.
            MethodNotAllowed: Routes have the path, but none with the method.
        """
        if (plain := self._plain.get((method, path))) is not None:
            return plain, {}
        values: list[str] = []
        node = self._find(self._root, _segments(path), 0, values)
        if node is None or any(len(value) > LONGEST_SEGMENT for value in values):
            shown = path if len(path) <= LONGEST_PATH_SHOWN else f"{path[:LONGEST_PATH_SHOWN]}…"
            raise NotFound(f"there is no path {shown!r}; GET /api/openapi.json lists them all")
        found = node.routes.get("GET" if method == "HEAD" else method)
        if found is None:
            methods = {*node.routes, *(("HEAD",) if "GET" in node.routes else ())}
            allowed = ", ".join(sorted(methods))
            raise MethodNotAllowed(f"{path} takes {allowed}, not {method}", headers={"Allow": allowed})
        route, names = found
        return route, dict(zip(names, values, strict=True))

    def refusal_at(self, path: str) -> Callable[[HecateError], Raw] | None:
        """Return how the routes at *path*, whatever their methods, say an error."""
        node = self._find(self._root, _segments(path), 0, [])
        return next((route.refusal for route, _ in node.routes.values()), None) if node is not None else None

    def _find(self, node: _Node, segments: list[str], at: int, values: list[str]) -> _Node | None:
        if at == len(segments):
            return node if node.routes else None
        segment = segments[at]
        if (literal := node.literal.get(segment)) and (found := self._find(literal, segments, at + 1, values)):
            return found
        if node.parameter is not None and segment:
            values.append(segment)
            if found := self._find(node.parameter, segments, at + 1, values):
                return found
            values.pop()
        if node.rest is None or not any(segments[at:]):
            return None
        values.append("/".join(segments[at:]))
        return node.rest


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")
