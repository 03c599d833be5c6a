"""The token that a caller of the HTTP listener must show: given in the configuration, or made at the first start."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

import structlog

from hecate.daemon.config import HttpSettings
from hecate.daemon.errors import CannotStart, ConfigurationWrong

FILE_NAME = "http.token"
MADE_BYTES = 32
LARGEST_FILE_BYTES = 4096
_SOUND = re.compile(r"[\x21-\x7e]{16,}")

log = structlog.get_logger(__name__)


def token_file(settings: HttpSettings, data: Path) -> Path | None:
    """Return the file that holds the token; None if the configuration itself does."""
    if settings.token:
        return None
    return Path(settings.token_file) if settings.token_file else data / FILE_NAME


def read_token(settings: HttpSettings, data: Path) -> str:
    """Return the token, and make it (mode 0600, in *data*) if no place for one is named.

    Raises:
        ConfigurationWrong: The file that is named cannot be read, or the token is unfit for a header
            or short enough to be guessed.
        CannotStart: The token cannot be written.
    """
    file = token_file(settings, data)
    if file is None:
        return _sound(settings.token, "http.token")
    if not settings.token_file:
        _make(file)
    try:
        with file.open("rb") as opened:
            others_read = os.fstat(opened.fileno()).st_mode & stat.S_IROTH
            content = opened.read(LARGEST_FILE_BYTES)
    except OSError as exc:
        raise ConfigurationWrong(f"cannot read the HTTP token {file}: {exc.strerror}") from exc
    if others_read:
        log.warning("everybody may read the HTTP token; use mode 0600", file=str(file))
    return _sound(content.decode("utf-8", "replace").strip(), str(file))


def _make(file: Path) -> None:
    """Write a new token to *file* unless there is one."""
    if file.exists():
        return
    # Whole or not at all: an interrupted start must leave no half of a token behind.
    unfinished = file.with_suffix(".new")
    try:
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"{secrets.token_urlsafe(MADE_BYTES)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.rename(file)
    except OSError as exc:
        raise CannotStart(f"cannot write the HTTP token {file}: {exc.strerror}") from exc


def _sound(token: str, where: str) -> str:
    if not _SOUND.fullmatch(token):
        raise ConfigurationWrong(f"{where} must be at least 16 characters of visible ASCII, without spaces")
    return token
