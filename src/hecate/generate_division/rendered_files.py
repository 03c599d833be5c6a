"""The files of a division, rendered in a process of their own: templates may come from anywhere."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hecate.dossiers.errors import Refused
from hecate.generate_division.settings import GenerateSettings
from hecate.generate_division.skeleton.design import Design, GeneratedFile, Rendered, Rendering

if TYPE_CHECKING:
    from hecate.jobs.job import Job

RENDERING_SECONDS = 60.0
PROGRAM = (sys.executable, "-I", "-m", "hecate.generate_division.skeleton")


async def rendered_files(job: Job, design: Design, template: str) -> tuple[GeneratedFile, ...]:
    """Return every file of the project of *design*; see `hecate.generate_division.skeleton.rendering.render`.

    Raises:
        Refused: There is no such template, it has a mistake, or it takes too long or too much memory.
    """
    own = job.services.get(GenerateSettings).templates
    asked = msgspec.json.encode(Rendering(design=design, template=template, own_templates=own))
    with tempfile.TemporaryDirectory(prefix="hecate-skeleton-") as scratch:
        output = Path(scratch) / "rendered.json"
        end, said = await job.capture(
            (*PROGRAM, str(output)), folder=Path(scratch), given=asked, timeout_seconds=RENDERING_SECONDS
        )
        if not end.succeeded:
            last = said.strip().splitlines()[-1:] or ["it says nothing"]
            raise Refused(f"template {template!r} cannot be rendered: {end.in_words}; {last[0]}")
        content = await asyncio.to_thread(output.read_bytes)
    rendered = msgspec.json.decode(content, type=Rendered)
    if rendered.wrong:
        raise Refused(rendered.wrong)
    return rendered.files
