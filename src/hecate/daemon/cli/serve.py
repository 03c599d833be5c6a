"""``hecate serve``: the daemon itself."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@command(
    "serve",
    examples=("hecate serve", "hecate serve --socket /tmp/hecate.sock --data-dir /tmp/hecate --log-level debug"),
)
@click.option("--data-dir", type=_FOLDER, help="Where the database is kept.", metavar="DIR")
@click.option("--config", type=_FILE, help="The configuration file, in TOML.", metavar="FILE")
@click.option("--log-level", type=click.Choice(("debug", "info", "warning", "error")), help="What is logged.")
@click.option("--log-format", type=click.Choice(("auto", "human", "json")), help="How it is logged.")
@click.option("--quiet", is_flag=True, help="Say nothing on standard output.")
@click.pass_context
def serve(
    ctx: click.Context,
    data_dir: Path | None,
    config: Path | None,
    log_level: str | None,
    log_format: str | None,
    *,
    quiet: bool,
) -> None:
    """Run the daemon in the foreground until Ctrl-C or SIGTERM."""
    # What is imported stays: until it is all there (`Lifetime` says when), looking for garbage only takes time.
    gc.disable()
    with _not_to_be_found("rich"):
        # The daemon takes a while to import; the other commands do without it.
        from hecate.daemon.assembly import assemble  # noqa: PLC0415
        from hecate.daemon.config import ServeOptions  # noqa: PLC0415
        from hecate.daemon.main import run  # noqa: PLC0415

    session = ctx.ensure_object(Session)
    options = ServeOptions(
        socket=session.socket,
        data_dir=data_dir,
        config=config,
        log_level=log_level,
        log_format=log_format,
        quiet=quiet,
    )
    ctx.exit(run(options, assemble))


@contextmanager
def _not_to_be_found(name: str) -> Iterator[None]:
    """Have everything imported as if the package *name* were not installed.

    structlog imports rich wherever it is, for tracebacks that the daemon does not log, and that takes 5.6 MB and a
    tenth of the start's time.
    """
    if name in sys.modules:
        yield
        return
    # What `import` takes for "is not there".
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


CLI = serve
