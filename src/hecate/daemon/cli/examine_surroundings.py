"""Examines what the daemon lives among: its socket, its providers, the workspaces of its ventures, and programs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw

from hecate import __version__
from hecate.client import Client, DaemonUnreachable, HecateClientError
from hecate.daemon.cli.session import Session
from hecate.dossiers.write_ahead_log import keeping_index
from hecate.keep_store.data_files import EVENTS, is_served
from hecate.keep_store.findings import Finding

PATIENCE_SECONDS = 20.0


def examine_surroundings(session: Session, data_dir: Path) -> Iterator[Finding]:
    """Give what there is to say of them; the daemon may run or not."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Hecate", "ok", f"{__version__} on Python {python}")
    with Client(session.socket, timeout_seconds=PATIENCE_SECONDS) as client:
        yield from _daemon(client, data_dir)
    yield from _workspaces(data_dir)
    yield _git()


def _daemon(client: Client, data_dir: Path) -> Iterator[Finding]:
    served = is_served(data_dir) if data_dir.is_dir() else False
    try:
        health = client.health()
    except DaemonUnreachable as exc:
        if served:
            remedy = "name its socket with --socket; if it hangs, stop it"
            yield Finding("daemon", "problem", f"one has the data directory, and does not answer: {exc}", remedy)
        else:
            yield Finding("daemon", "warning", f"none answers at {client.socket_path}", "start it: `hecate serve`")
        yield Finding("providers", "not_checked", "the daemon would ask them")
        return
    except HecateClientError as exc:
        yield Finding("daemon", "problem", f"it answers with an error: {exc}", "look into its log")
        return
    yield _state(health.status, health.version, health.error, client.socket_path)
    if not served:
        remedy = "name the data directory of that daemon with --data-dir, or its socket with --socket"
        yield Finding("daemon", "warning", f"the one that answers uses another data directory than {data_dir}", remedy)
    yield from _providers(client)


def _state(status: str, version: str, error: str, socket: str) -> Finding:
    if error:
        return Finding("daemon", "problem", f"it is {status}: {error}", "look into its log, and restart it")
    if version != __version__:
        found = f"it is of version {version}, and this command of {__version__}"
        return Finding("daemon", "warning", found, "restart the daemon")
    return Finding("daemon", "ok", f"it answers at {socket}")


def _providers(client: Client) -> Iterator[Finding]:
    try:
        providers = client.providers()
    except HecateClientError as exc:
        yield Finding("providers", "problem", f"the daemon cannot tell: {exc}", "look into its log")
        return
    used = {name: one for name, one in providers.items() if one.status != "not_configured"}
    if not used:
        yield Finding("providers", "warning", "none is configured", "start ollama, or `hecate providers add`")
    for name, one in used.items():
        if one.error or one.status == "unhealthy":
            remedy = "look at its address and key: `hecate providers list`"
            yield Finding(f"provider {name}", "warning", one.error or one.status, remedy)
        else:
            has = "" if one.models is None else f", {one.models} models"
            yield Finding(f"provider {name}", "ok", f"{one.status}{has}")


def _workspaces(data_dir: Path) -> Iterator[Finding]:
    """Look whether the folders are there that ventures name for their code."""
    if not (data_dir / EVENTS).is_file():
        return
    try:
        with (
            keeping_index(data_dir / EVENTS),
            closing(apsw.Connection(str(data_dir / EVENTS), flags=apsw.SQLITE_OPEN_READONLY)) as db,
        ):
            sql = "SELECT name, workspace FROM ventures WHERE workspace <> '' AND state <> 'archived' ORDER BY id"
            named = [(str(name), Path(str(workspace))) for name, workspace in db.execute(sql)]
    except apsw.Error:
        yield Finding("workspaces", "not_checked", "the ventures cannot be read")
        return
    for name, workspace in named:
        if not workspace.is_dir():
            found = f"venture {name} has its code in {workspace}, which is not there"
            yield Finding("workspace", "warning", found, "make the folder, or `hecate venture workspace`")
        elif not os.access(workspace, os.W_OK | os.X_OK):
            yield Finding("workspace", "warning", f"{workspace} of venture {name} cannot be written", "see its mode")
    yield Finding("workspaces", "ok", f"{len(named)} ventures name a folder of their own")


def _git() -> Finding:
    found = shutil.which("git")
    if found is None:
        return Finding("git", "problem", "it is not installed: no workspace can be used", "install git")
    return Finding("git", "ok", found)
