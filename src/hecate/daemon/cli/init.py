"""``hecate init``: the first steps of a new user."""

from __future__ import annotations

import re
import shlex
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import click
import msgspec

from hecate import paths
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.setting_up.more_toml import DoesNotFit, with_tables
from hecate.daemon.cli.setting_up.new_file import OWNER_ONLY, put
from hecate.daemon.cli.setting_up.user_unit import systemd_is_here, this_program, unit, unit_file

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
START = ("systemctl --user daemon-reload", "systemctl --user enable --now hecate")


@dataclass
class Done:
    """What it has done, and what is left to do."""

    files: dict[str, str] = field(default_factory=dict)
    """For each file, what became of it."""
    providers: list[str] = field(default_factory=list)
    next: list[str] = field(default_factory=list)


@command("init", examples=("hecate init", "hecate init --yes", "hecate init --yes --workspaces ~/projects"))
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; what is there already stays as it is.")
@click.option("--workspaces", type=click.Path(path_type=Path), help="Where ventures' files lie.", metavar="DIR")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="HECATE_CONFIG",
    show_envvar=True,
    help="The configuration file, if not the usual one.",
    metavar="FILE",
)
@click.pass_obj
def init(session: Session, *, yes: bool, workspaces: Path | None, config: Path | None) -> None:
    """Set up what a new user needs, step by step.

    Providers of models, a folder for workspaces, a service.  Keys are kept in files that only you can read.  Nothing
    that is there is overwritten without a question, and it may be called again at any time.
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask: `hecate init --yes` does what needs no answer")
    try:
        Path.home()
    except RuntimeError as exc:
        raise click.ClickException("this user has no home directory, so nothing has a place; HOME names one") from exc
    try:
        file = config.expanduser().absolute() if config else paths.default_config()
        done = Done()
        tables = _providers(session, file.parent, done, yes=yes)
        tables |= _workspaces(workspaces, done, yes=yes)
        _configure(session, file, tables, done)
        _service(session, file if config else None, done, yes=yes)
    except OSError as exc:
        raise click.ClickException(f"cannot write {exc.filename}: {exc.strerror}") from exc
    if session.as_json:
        session.output.raw(msgspec.json.encode(done))
        return
    session.output.details(done.files)
    for line in done.next:
        session.output.styled(f"next\t{line}" if not session.output.for_people else f"next: {line}")


Tables = dict[tuple[str, ...], dict[str, str]]


def _providers(session: Session, folder: Path, done: Done, *, yes: bool) -> Tables:
    """Find providers, ask for more, keep their keys, and return what to configure."""
    # The providers take a while to import, and no other command of a new user needs them.
    from hecate.daemon.cli.setting_up.found_providers import found_providers  # noqa: PLC0415
    from hecate.dossiers.errors import HecateError  # noqa: PLC0415

    keys: dict[str, str] = {}
    try:
        found = found_providers()
    except HecateError as exc:
        raise click.ClickException(str(exc)) from exc
    for provider in found:
        session.output.note(f"found {provider.name}: {provider.how}")
        done.providers.append(provider.name)
        # A service does not see what a shell exports.
        if provider.key and (yes or _agrees(f"Keep the key of {provider.name} for the service, in a file of yours?")):
            keys[provider.name] = provider.key
    if not found:
        session.output.note("no provider of models is found: no key in the environment, and no Ollama")
    while not yes and (name := _asked("Another provider, such as openai, anthropic or groq (empty: none)")):
        if not NAME.fullmatch(name):
            session.output.note(f"{name!r} is no name of a provider: small letters, digits, - and _")
        elif key := _asked(f"Key for {name}", hidden=True):
            keys[name] = key
            done.providers.append(name)
    tables: Tables = {}
    for name, key in keys.items():
        file = folder / f"{name}.key"
        done.files[str(file)] = put(
            file, f"{key}\n", mode=OWNER_ONLY, replace=lambda: not yes and _agrees("Another key is there. Replace it?")
        )
        tables["providers", name] = {"api_key_file": str(file)}
    return tables


def _workspaces(named: Path | None, done: Done, *, yes: bool) -> Tables:
    default = paths.default_data_dir() / "workspaces"
    chosen = named
    if chosen is None and not yes:
        chosen = Path(_asked("Where shall the files of ventures lie?", default=str(default)))
    if chosen is None or chosen == default:
        return {}
    folder = chosen.expanduser().absolute()
    done.files[str(folder)] = "there already" if folder.is_dir() else "made"
    folder.mkdir(parents=True, exist_ok=True)
    return {("workspaces",): {"dir": str(folder)}}


def _configure(session: Session, file: Path, tables: Tables, done: Done) -> None:
    """Add *tables* to the configuration; what is in it stays, word for word."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        after = with_tables(before, tables)
    except DoesNotFit as exc:
        done.files[str(file)] = "kept as it was"
        session.output.note(f"add this to {file} yourself:\n{exc}", word="Warning:", colour="yellow")
        return
    except tomllib.TOMLDecodeError as exc:
        raise click.ClickException(f"{file} is not TOML: {exc}") from exc
    if after:
        # Others may go on reading what they could read: it holds the names of key files, and no keys.
        mode = file.stat().st_mode & 0o777 if file.exists() else OWNER_ONLY
        done.files[str(file)] = put(file, after, mode=mode, replace=lambda: after.startswith(before))


def _service(session: Session, config: Path | None, done: Done, *, yes: bool) -> None:
    start = " ".join(("hecate serve", *(("--config", shlex.quote(str(config))) if config else ())))
    if not systemd_is_here():
        session.output.note("systemd is not here, so nothing starts the daemon by itself")
        done.next += [start]
        return
    file = unit_file()
    if yes or _agrees(f"Write a systemd unit, {file}?"):
        outcome = put(
            file,
            unit(this_program(), config),
            replace=lambda: not yes and _agrees("Another unit is there. Replace it?"),
        )
        done.files[str(file)] = outcome
        done.next += START
    else:
        done.next += [start]
    done.next += ["hecate"]


def _agrees(question: str) -> bool:
    return click.confirm(question, default=True, err=True)


def _asked(question: str, *, default: str = "", hidden: bool = False) -> str:
    answer: str = click.prompt(question, default=default, show_default=bool(default), hide_input=hidden, err=True)
    return answer.strip()


CLI = init
