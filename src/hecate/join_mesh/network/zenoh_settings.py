"""How a zenoh session of the mesh is set up: a router, known by its certificate, that takes nothing without bounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from hecate.join_mesh.network.identity import FILE_NAME
from hecate.join_mesh.network.realm import AUTHORITY, CERTIFICATE, Realm
from hecate.join_mesh.settings import MeshSettings

LONGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024
MOST_SESSIONS: Final = 256
LONGEST_WAIT_MS: Final = 60_000
ALL_MESSAGES: Final = (
    "put",
    "delete",
    "declare_subscriber",
    "query",
    "reply",
    "declare_queryable",
    "liveliness_token",
    "liveliness_query",
    "declare_liveliness_subscriber",
)


def zenoh_settings(realm: Realm, settings: MeshSettings, places: Sequence[str], shut_out: Iterable[str]) -> str:
    """Return the configuration of a session as zenoh reads it, JSON.

    Args:
        realm: Whose certificates are trusted.
        settings: Where to listen, and the lease.
        places: Addresses at which peers may be.
        shut_out: The names of daemons whose certificates hold no more.
    """
    key, certificate = str(realm.folder / FILE_NAME), str(realm.folder / CERTIFICATE)
    configuration: dict[str, Any] = {
        # Routers pass on what is not for them: two peers that cannot reach each other meet through a third.
        "mode": "router",
        "namespace": realm.namespace,
        "listen": {"endpoints": settings.listeners, "exit_on_failure": True},
        "connect": {
            "endpoints": tuple(places),
            # In the background: where nobody answers must not hold up the rest, and somebody may later.
            "timeout_ms": -1,
            "exit_on_failure": False,
            # Ever more seldom: an address of one to whom there is a connection already is tried for ever, too.
            "retry": {
                "period_init_ms": 250,
                "period_max_ms": LONGEST_WAIT_MS,
                "period_increase_factor": 2,
            },
        },
        "scouting": {
            # Otherwise a router waits for half a second before it is open.
            "delay": 0,
            "multicast": {"enabled": settings.multicast, "autoconnect": {"router": ["router"]}},
            "gossip": {
                "enabled": True,
                "autoconnect": {"router": ["router"]},
                "autoconnect_strategy": "greater-zid",
            },
        },
        "transport": {
            "shared_memory": {"enabled": False},
            "unicast": {"max_sessions": MOST_SESSIONS, "accept_timeout": 3000, "open_timeout": 3000},
            "link": {
                "protocols": ["tls", "quic"],
                "tx": {"lease": round(settings.lease_seconds * 1000)},
                "rx": {"max_message_size": LONGEST_MESSAGE_BYTES},
                "tls": {
                    "root_ca_certificate": str(realm.folder / AUTHORITY),
                    "listen_private_key": key,
                    "listen_certificate": certificate,
                    "connect_private_key": key,
                    "connect_certificate": certificate,
                    "enable_mtls": True,
                    # A daemon is known by its key, wherever it is; certificates name no host.
                    "verify_name_on_connect": False,
                    "close_link_on_expiration": True,
                },
            },
        },
    }
    names = tuple(shut_out)
    if names:
        configuration["access_control"] = {
            "enabled": True,
            "default_permission": "allow",
            "rules": [
                {
                    "id": "nothing",
                    "permission": "deny",
                    "flows": ["ingress", "egress"],
                    "messages": ALL_MESSAGES,
                    "key_exprs": ["**"],
                }
            ],
            "subjects": [{"id": "shut out", "cert_common_names": names}],
            "policies": [{"rules": ["nothing"], "subjects": ["shut out"]}],
        }
    return msgspec.json.encode(configuration).decode()
