"""Divisions whose design takes commands, made through the daemon's own API."""

from __future__ import annotations

from pathlib import Path

from bench.rig.load import Request
from hecate.client import Client

AGGREGATE = (
    '{"aggregate_name": "aggregate-{n}", "description": "what the aggregate keeps together, and which rules it holds"}'
)
VENTURE = '{"name": "venture-{n}", "brief": "A multi-tenant platform for those who plant trees"}'


def designing(socket: Path, clients: int, divisions_each: int) -> list[Request]:
    """Return a request for each client: design an aggregate, in each of its own new divisions in turn."""
    with Client(socket) as client:
        venture_id = client.set_up_venture("bench").id
        client.discovery_command(venture_id, "start")
        return [
            Request(
                "POST", tuple(_division(client, venture_id, f"{one}-{two}") for two in range(divisions_each)), AGGREGATE
            )
            for one in range(clients)
        ]


def _division(client: Client, venture_id: str, name: str) -> str:
    division_id = client.discovery_command(venture_id, "discover", {"division_name": name}).id
    client.division_command(division_id, "design", "start")
    return f"/api/divisions/{division_id}/design/aggregate"


def setting_up(clients: int) -> list[Request]:
    """Return a request for each client: set up a venture."""
    return [Request("POST", ("/api/ventures",), VENTURE)] * clients
