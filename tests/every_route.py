"""Every route that the daemon serves, as it is put together at a start."""

from __future__ import annotations

from hecate import catalog
from hecate.catalog import Catalog
from hecate.endpoints import Route
from hecate.rest.desk_routes import desk_routes
from hecate.rest.item_list_routes import item_list_routes
from hecate.rest.openapi import openapi_route


def every_route(found: Catalog | None = None) -> tuple[Route, ...]:
    """Return the routes of *found*, of what the catalog finds unless it is given."""
    found = found or catalog.find()
    routes = (*found.routes, *desk_routes(found), *item_list_routes(found))
    return (*routes, openapi_route(routes))


def routes_as_text() -> str:
    """Return a line for each path: method, path, and what answers there; an alias says of what."""
    lines = []
    for route in every_route():
        name = f"{route.tag}: {route.body.__name__ if route.is_command else route.call.__name__}"
        lines.append((route.path, route.method, name if route.listed else f"{name} (not listed)"))
        lines += [(alias, route.method, f"{name} (= {route.path})") for alias in route.aliases]
    width = max(len(path) for path, _, _ in lines)
    return "".join(f"{method:<4}  {path:<{width}}  {name}\n" for path, method, name in sorted(lines))
