"""The daemon's life as a process: claim, open, serve, reload on SIGHUP, drain on SIGTERM.

What is served is an `Assembly`; this module knows nothing of dossiers and models.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from hecate import __version__
from hecate.console.open_console import Door
from hecate.daemon import log as daemon_log
from hecate.daemon.access import Access, Rights
from hecate.daemon.audit_log import AuditLog
from hecate.daemon.audited import Audited
from hecate.daemon.config import Configuration, ServeOptions, exposed_file, load
from hecate.daemon.console_listener import ConsoleListener
from hecate.daemon.data_directory import DataDirectory
from hecate.daemon.errors import CannotStart
from hecate.daemon.http_listener import HttpListener
from hecate.daemon.notify import ServiceManager
from hecate.daemon.request_log import Application
from hecate.daemon.server import Server, connection_limit
from hecate.daemon.unix_socket import InheritedSocket, SocketPlace
from hecate.dossiers.errors import HecateError
from hecate.endpoints import Raw

COLLECTION_THRESHOLDS = (10_000, 50, 100)
"""Python's are 700, 10, 10: a request makes hundreds of objects and hardly a cycle, which cost 15 % of a chat."""

STRANGERS_SHARE = 4
"""One connection in so many may come over TCP, where anybody can connect: the socket's callers keep the others."""

log = structlog.get_logger(__name__)


class Assembly(Protocol):
    """What the daemon serves, put together and ready."""

    @property
    def application(self) -> Application:
        """An ASGI application."""

    def refusal(self, path: str, error: HecateError) -> Raw:
        """Return how *error* is said to a caller of *path*."""

    def provider_names(self) -> Sequence[str]:
        """Return the configured providers."""

    async def describe_providers(self) -> Sequence[str]:
        """Return a few words about each provider that is configured: what it has, or why it fails."""

    async def reload(self, configuration: Configuration) -> None:
        """Take over what may change while the daemon runs.

        Raises:
            ConfigurationWrong: It cannot, and goes on as before.
        """

    async def is_sound(self) -> bool:
        """Return whether requests can be served; the service manager restarts a daemon that cannot."""

    def end_feeds(self) -> None:
        """End the answers that would go on for ever."""


@dataclass(frozen=True, slots=True)
class Given:
    """What an assembly is made from."""

    configuration: Configuration
    data: DataDirectory
    read_again: Callable[[], Configuration]
    """Gives the configuration as it is now.  Raises `ConfigurationWrong`."""
    hide: Callable[[Iterable[str]], None]
    """Keeps keys out of the log from now on."""
    door: Door = field(default_factory=Door)
    """Leads to the console, once that is served."""


Assemble = Callable[[Given], contextlib.AbstractAsyncContextManager[Assembly]]


class Lifetime:
    """One run of the daemon, from the first claim to the last file closed."""

    def __init__(self, options: ServeOptions, configuration: Configuration, assemble: Assemble) -> None:
        self._options = options
        self._configuration = configuration
        self._assemble = assemble
        self._redaction = daemon_log.Redaction()
        self._manager = ServiceManager()
        self._http: HttpListener | None = None
        self._access: Access | None = None
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._terminal = sys.stderr.isatty()

    async def run(self) -> None:
        """Serve until a signal ends it, and leave nothing behind.

        Raises:
            CannotStart: Something is in the way; nothing that was found has been changed.
        """
        daemon_log.set_up(self._configuration.log, self._redaction)
        asyncio.get_running_loop().set_exception_handler(daemon_log.LoopComplaints())
        self._warn_of_exposed_keys()
        self._take_signals()
        rights = Rights.of(self._configuration.access)
        async with contextlib.AsyncExitStack() as stack:
            data = DataDirectory.claim(self._configuration.data_dir)
            stack.callback(data.release)
            # Claimed before the store is opened and bound after it: whoever can connect is answered.
            place = InheritedSocket.take() or self._claim_socket()
            stack.callback(place.leave)
            self._http = HttpListener.claim(self._configuration.http, data.path, self._redaction.know)
            if self._http is not None:
                stack.callback(self._http.close)
            given = Given(self._configuration, data, lambda: load(self._options), self._redaction.know)
            audit = AuditLog(data.path, self._configuration.audit, self._redaction.clean)
            stack.push_async_callback(audit.close)
            assembly = await stack.enter_async_context(self._assemble(given))
            self._access = Access(assembly.application, assembly.refusal, rights)
            limit = connection_limit()
            strangers = limit // STRANGERS_SHARE if self._http is not None else 0
            server = Server(Audited(self._access, audit, "socket"), limit=limit - strangers)
            # What exists now stays: without this, each full collection walks through all of the
            # code and the routes, and stops every request for some 10 ms.
            gc.freeze()
            gc.set_threshold(*COLLECTION_THRESHOLDS)
            gc.enable()
            await server.listen(place.bind())
            if self._http is not None:
                await self._http.listen(Audited(assembly.application, audit, "http"), assembly.refusal, limit=strangers)
            console = ConsoleListener(Audited(self._access, audit, "console"), assembly.refusal, given.door)
            self._announce(place.path, assembly)
            await self._until_told_to_stop(place.path, assembly)
            self._manager.stopping("finishing what has begun")
            log.info("stopping")
            place.remove()
            assembly.end_feeds()
            also = (self._http.drain(),) if self._http is not None else ()
            await asyncio.gather(server.drain(), console.drain(), *also)
        log.info("stopped")

    def _claim_socket(self) -> SocketPlace:
        settings = self._configuration.socket
        return SocketPlace.claim(
            self._configuration.socket_path, mode=int(settings.mode, 8), group=settings.group or None
        )

    async def _until_told_to_stop(self, path: Path, assembly: Assembly) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(self._greet(path, assembly)),
                group.create_task(self._reload_when_asked(assembly)),
                group.create_task(self._keep_watchdog_quiet(assembly)),
            )
            await self._stop.wait()
            for task in tasks:
                task.cancel()

    # -- signals

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_hang_up)

    def _on_stop(self) -> None:
        self._stop.set()
        # The next one kills at once, whatever the process is doing.  The store survives that.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def _on_hang_up(self) -> None:
        if self._terminal and not sys.stderr.isatty():
            # Nobody asked for a reload: the terminal that we were started in was closed.
            self._on_stop()
        else:
            self._reload.set()

    async def _reload_when_asked(self, assembly: Assembly) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            await self._reload_once(assembly)

    async def _reload_once(self, assembly: Assembly) -> None:
        self._manager.reloading()
        try:
            new = load(self._options)
            rights = Rights.of(new.access)
            token = self._http.read_token(new.http) if self._http is not None else ""
            await assembly.reload(new)
        except CannotStart as exc:
            log.error("configuration not reloaded", reason=str(exc))  # noqa: TRY400 - a wrong file, not a bug
        else:
            old, self._configuration = self._configuration, new
            if self._http is not None:
                self._http.use_token(token)
            if self._access is not None:
                self._access.rights = rights
            daemon_log.set_up(new.log, self._redaction)
            log.info("configuration reloaded", providers=list(assembly.provider_names()))
            if (old.socket, old.data, old.audit, old.http.listen) != (new.socket, new.data, new.audit, new.http.listen):
                log.warning("[socket], [data], [audit] and http.listen take effect at the next start")
            self._warn_of_exposed_keys()
        self._manager.ready(_status(assembly))

    # -- telling

    def _warn_of_exposed_keys(self) -> None:
        if file := exposed_file(self._options, self._configuration):
            log.warning("others may read the API keys in the configuration; use mode 0600", file=str(file))

    def _announce(self, path: Path, assembly: Assembly) -> None:
        providers = list(assembly.provider_names())
        http = {} if self._http is None else {"http": self._http.url, "token_file": str(self._http.token_file or "")}
        log.info("ready", socket=str(path), data=self._configuration.data.dir, **http, providers=providers)
        self._manager.ready(_status(assembly))

    async def _greet(self, path: Path, assembly: Assembly) -> None:
        """Tell a person on standard output what there is and what to try."""
        if not self._options.quiet and not self._manager:
            providers = await assembly.describe_providers()
            # Whoever started us may not read on; that is no reason to end.  Unbuffered, or what
            # could not be written would be tried again, and fail again, at the very end.
            with contextlib.suppress(OSError):
                os.write(
                    sys.stdout.fileno(), _greeting(path, self._configuration.data_dir, providers, self._http).encode()
                )

    async def _keep_watchdog_quiet(self, assembly: Assembly) -> None:
        """Tell the service manager that all is well, twice as often as it asks; not if it is not."""
        seconds = self._manager.watchdog_seconds
        while seconds is not None:
            if await assembly.is_sound():
                self._manager.alive()
            await asyncio.sleep(seconds / 2)


def _status(assembly: Assembly) -> str:
    return f"serving; providers: {', '.join(assembly.provider_names()) or 'none'}"


def _greeting(path: Path, data: Path, providers: Sequence[str], http: HttpListener | None) -> str:
    also = "" if http is None else f"  http       {http.url}, token in {http.token_file or 'the configuration'}\n"
    found = "\n             ".join(providers) or "none (start ollama, or set OPENAI_BASE_URL or OPENAI_API_KEY)"
    return (
        f"Hecate {__version__} listens on {path}\n"
        f"  data       {data}\n"
        f"{also}"
        f"  providers  {found}\n"
        f"  try        curl --unix-socket {shlex.quote(str(path))} http://localhost/api/health\n"
    )
