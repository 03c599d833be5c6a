"""``hecate doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.data_directory import chosen, data_directory_options, told
from hecate.daemon.cli.exit_codes import REFUSED
from hecate.daemon.cli.session import Session
from hecate.daemon.cli.working import Working

if TYPE_CHECKING:
    from hecate.keep_store.findings import Finding

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red", "not_checked": "bright_black"}


@command("doctor", examples=("hecate doctor", "hecate doctor --rebuild", "hecate doctor --json"))
@data_directory_options()
@click.option("--rebuild", is_flag=True, help="Fold the read models anew that differ from their events.")
@click.pass_context
def doctor(ctx: click.Context, data_dir: Path | None, config: Path | None, *, rebuild: bool) -> None:
    """Examine all that the daemon rests on, and say what to do.

    The daemon may run, or not.  It looks at the files and who may read them, the events and their hash chain, the read
    models, the write-ahead log, the disk, the socket, the providers, the workspaces and the tools.  Exit code 1: there
    is a problem.
    """
    session = ctx.ensure_object(Session)
    findings: list[Finding] = []
    with told(session), Working("examining") as working:
        place = chosen(data_dir, config)
        for finding in _examined(session, place):
            findings.append(finding)
            working.clear()
            if not session.as_json:
                _show(session, finding)
        if rebuild and (names := [name for finding in findings for name in finding.read_models]):
            _rebuild(session, place, names, working)
            findings = [finding for finding in findings if not finding.read_models]
    has_problem = any(finding.state == "problem" for finding in findings)
    if session.as_json:
        answer = {"ok": not has_problem, "data_dir": str(place), "findings": findings}
        session.output.raw(msgspec.json.encode(answer))
    ctx.exit(REFUSED if has_problem else 0)


def _examined(session: Session, data_dir: Path) -> Iterator[Finding]:
    from hecate.daemon.cli.examine_surroundings import examine_surroundings  # noqa: PLC0415
    from hecate.daemon.cli.folding import find_folding  # noqa: PLC0415
    from hecate.keep_store.data_files import EVENTS  # noqa: PLC0415
    from hecate.keep_store.examine_place import examine_place  # noqa: PLC0415
    from hecate.keep_store.examine_store import examine_store  # noqa: PLC0415
    from hecate.keep_store.findings import Finding  # noqa: PLC0415

    if (data_dir / EVENTS).is_file():
        yield from examine_place(data_dir)
        yield from examine_store(data_dir, *find_folding())
    else:
        remedy = "`hecate serve` begins one; --data-dir names another place"
        yield Finding("data directory", "problem", f"there is no store in {data_dir}", remedy)
    yield from examine_surroundings(session, data_dir)


def _rebuild(session: Session, data_dir: Path, names: list[str], working: Working) -> None:
    from hecate.daemon.cli.folding import find_folding  # noqa: PLC0415
    from hecate.keep_store.rebuild import rebuild  # noqa: PLC0415

    done = rebuild(data_dir, *find_folding(), names, tell=working.tell)
    working.clear()
    session.output.note(f"rebuilt: {', '.join(done.read_models)}")


def _show(session: Session, finding: Finding) -> None:
    output = session.output
    if not output.for_people:
        output.styled(f"{finding.state}\t{finding.check}\t{finding.found}\t{finding.remedy}")
        return
    word = click.style(finding.state.replace("_", " ").ljust(11), fg=COLOURS[finding.state])
    output.styled(f"{word}  {finding.check}: {finding.found}")
    if finding.remedy:
        output.styled(f"{'':13}{click.style('→', bold=True)} {finding.remedy}")


CLI = doctor
