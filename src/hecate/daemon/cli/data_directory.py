"""What the commands have in common that work on the files of a data directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from hecate.daemon.cli.exit_codes import REFUSED
from hecate.daemon.cli.session import Session

if TYPE_CHECKING:
    from hecate.dossiers.errors import HecateError

Function = Callable[..., None]

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


def data_directory_options() -> Callable[[Function], Function]:
    """Return what gives a command ``--data-dir`` and ``--config``, as ``hecate serve`` has them."""
    data_dir = click.option("--data-dir", type=_FOLDER, help="Where the daemon keeps its data.", metavar="DIR")
    config = click.option("--config", type=_FILE, help="The daemon's configuration file.", metavar="FILE")

    def give(function: Function) -> Function:
        return data_dir(config(function))

    return give


def chosen(data_dir: Path | None, config: Path | None) -> Path:
    """Return the data directory that a daemon with these options would have."""
    # What the daemon is configured by takes a while to import; most commands do without it.
    from hecate.daemon.config import ServeOptions, load  # noqa: PLC0415

    return load(ServeOptions(data_dir=data_dir, config=config)).data_dir


@contextmanager
def told(session: Session) -> Iterator[None]:
    """Say what cannot be done as every other command does: a sentence, or the envelope, and exit code 1."""
    from hecate.daemon.errors import CannotStart  # noqa: PLC0415
    from hecate.dossiers.errors import HecateError, Refused  # noqa: PLC0415

    try:
        yield
    except HecateError as exc:
        raise _Told(exc, session) from exc
    except CannotStart as exc:
        raise _Told(Refused(str(exc)), session) from exc


class _Told(click.ClickException):
    def __init__(self, error: HecateError, session: Session) -> None:
        super().__init__(str(error))
        self._envelope = error.envelope()
        self._session = session
        self.exit_code = REFUSED  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: Any = None) -> None:
        """Print the error."""
        del file
        output = self._session.output
        if self._session.as_json:
            output.raw(msgspec.json.encode(self._envelope))
        else:
            output.note(self.message, word="Error:", colour="red")
