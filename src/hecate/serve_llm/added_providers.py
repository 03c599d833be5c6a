"""The providers that were added or removed while the daemon ran: a file in the data directory, for its owner alone.

What is in it wins over the configuration, and that over the environment.  A provider that was
removed, though the configuration or the environment still has it, is in the file as switched off.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hecate.dossiers.errors import Invalid, Unavailable
from hecate.serve_llm.settings import ProviderSettings

FILE_NAME = "providers.json"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, ProviderSettings]).decode


class AddedProviders:
    """Keeps the settings of providers.

    Args:
        path: Where; None: nowhere, so that they are forgotten with the process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept: Mapping[str, ProviderSettings] = {}

    def read(self) -> Mapping[str, ProviderSettings]:
        """Return the settings by the providers' names.

        Raises:
            Invalid: The file cannot be read, or was not written by this Hecate.
        """
        if self._path is not None:
            try:
                self._kept = _decode(self._path.read_bytes())
            except FileNotFoundError:
                self._kept = {}
            except OSError as exc:
                raise Invalid(f"cannot read {self._path}: {exc.strerror}") from exc
            except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
                # msgspec says where the mistake is, and never what stands there.
                raise Invalid(f"{self._path} is not as Hecate writes it: {exc}") from exc
        return self._kept

    def write(self, providers: Mapping[str, ProviderSettings]) -> None:
        """Keep *providers* in place of all that were kept so far; a power cut leaves the one or the other.

        Raises:
            Unavailable: The disk refuses.
        """
        if self._path is not None:
            try:
                _write_anew(self._path, _encode(providers))
            except OSError as exc:
                raise Unavailable(f"cannot write {self._path}: {exc.strerror}") from exc
        self._kept = providers


def _write_anew(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    # Made for its owner alone: there is no moment at which others could open it.
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(file, "wb") as opened:  # noqa: PTH123 - the descriptor is there already
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
