"""Databases of countries, made up for a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]  # it has no types

ASKED = "8.8.8.8"
"""An address of the internet that the databases may know; nobody is called."""


def made_up(path: Path, records: Mapping[str, Any], *, ip_version: int = 6) -> Path:
    """Write a database to *path*: a record for each network."""
    writer = MMDBWriter(ip_version, "Made-Up-Country", languages=["en"], ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


def country(code: str) -> dict[str, Any]:
    """Return a record as MaxMind's databases have them."""
    return {"country": {"iso_code": code}}
