"""The daemon's log on standard error: lines for people on a terminal, else one JSON object a line.

Everything that writes a log line gets here, structlog and the standard library's `logging`
alike, and passes the same redaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import Processor

from hecate.daemon.config import LogSettings
from hecate.daemon.request_log import add_request
from hecate.serve_llm.secrets import scrub

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
QUIET_SECONDS: Final = 10.0
"""How long the event loop's repeated complaints are counted instead of written."""
KINDS_REMEMBERED: Final = 100

Entry = MutableMapping[str, Any]

log = structlog.get_logger(__name__)


class Redaction:
    """A log processor that takes keys out of every value: known ones, and what looks like one."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()

    def know(self, secrets: Iterable[str]) -> None:
        """Hide *secrets* from now on, too.  Earlier ones stay hidden: they may still be echoed."""
        self._secrets |= {secret for secret in secrets if secret}

    def clean(self, text: str) -> str:
        """Return *text* without keys."""
        return scrub(text, self._secrets)

    def __call__(self, _logger: Any, _method: str, entry: Entry) -> Entry:
        """Return *entry* without keys; what is neither text nor a number becomes text."""
        return {name: self._clean(value) for name, value in entry.items()}

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {str(name): self._clean(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(inner) for inner in value]
        return scrub(value if isinstance(value, str) else repr(value), self._secrets)


class Unfailing:
    """A stream that drops what cannot be written: the reader went away, the disk is full.

    A log line is worth less than the request that it is about.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write *text* if that is possible."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Write what has been buffered, if that is possible."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def set_up(settings: LogSettings, redaction: Redaction, stream: TextIO | None = None) -> None:
    """Send all log lines to *stream* (standard error), as *settings* say.  May be called again."""
    stream = sys.stderr if stream is None else stream
    on_terminal = stream.isatty()
    unfailing = cast("TextIO", Unfailing(stream))
    human = settings.format == "human" or (settings.format == "auto" and on_terminal)
    before: list[Processor] = [
        add_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if human else "iso", utc=not human),
    ]
    after: list[Processor] = [structlog.processors.format_exc_info, redaction]
    if human:
        plain = structlog.dev.plain_traceback
        after.append(structlog.dev.ConsoleRenderer(colors=on_terminal, exception_formatter=plain, pad_event_to=0))
    else:
        after.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        logger_factory=structlog.WriteLoggerFactory(unfailing),
        # Not cached, so that a reload changes the level of every logger.
        cache_logger_on_first_use=False,
    )
    _set_up_standard_library(unfailing, before, after)
    logging.getLogger("hecate").setLevel(LEVELS[settings.level])


def _set_up_standard_library(stream: TextIO, before: list[Processor], after: list[Processor]) -> None:
    handler = logging.StreamHandler(stream)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[remove_meta, *after])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # Its warnings are about requests that are not HTTP, one each; they are ours to answer, at "debug".
    of_uvicorn = logging.getLogger("uvicorn.error")
    of_uvicorn.setLevel(logging.ERROR)
    of_uvicorn.addFilter(_is_no_cancellation)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Tell whether *record* is worth a line: requests are cancelled by a drain alone, which says how many."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


class LoopComplaints:
    """The event loop's exception handler: each kind of complaint at most once in `QUIET_SECONDS`.

    Without it, a process that has run out of file descriptors logs a traceback for every
    failed ``accept``, megabytes a second (CPython issue 151615).
    """

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, type[Any]], tuple[float, int]] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what went wrong outside of any request."""
        message, error = str(context.get("message", "error in the event loop")), context.get("exception")
        kind = (message, type(error))
        now = loop.time()
        quiet_until, repeated = self._kinds.get(kind, (0.0, 0))
        if now < quiet_until:
            self._kinds[kind] = (quiet_until, repeated + 1)
            return
        if len(self._kinds) >= KINDS_REMEMBERED:
            self._kinds.clear()
        self._kinds[kind] = (now + QUIET_SECONDS, 0)
        log.error(message, exc_info=error, repeated=repeated)
