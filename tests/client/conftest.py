"""A real daemon for the tests that want one."""

from __future__ import annotations

from tests.daemon.cli.conftest import client, daemon, provider

__all__ = ["client", "daemon", "provider"]
