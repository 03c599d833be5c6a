"""The configuration of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hecate.child_processes.confinement import Confinement, Limits, sandbox_for

MIB: Final = 1024 * 1024
Mebibytes = Annotated[int, Meta(ge=0, le=2**30)]


class JobSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[jobs]``: how much is done at once, and for how long."""

    at_once: Annotated[int, Meta(ge=1, le=64)] = 4
    """How many jobs run side by side; the others wait."""
    timeout_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 900.0
    """The longest that a child process may run where its command says nothing."""
    memory_mib: Mebibytes = 4096
    """Private memory of each process that a job starts; 0: as much as the daemon may have."""
    file_mib: Mebibytes = 4096
    """The largest file that one may write; 0: as large as the daemon may."""
    processes: Annotated[int, Meta(ge=0, le=2**22)] = 4096
    """At which number of its user's processes and threads one can start no more; nothing to root; 0: any number."""
    core_mib: Mebibytes = 0
    """The largest core file; 0: none."""
    sandbox: Literal["none", "bubblewrap"] = "none"
    """What hides the machine's homes and the daemon's files from suites and builds, and keeps them from writing."""
    sandbox_network: bool = False
    """Whether a job in a sandbox may use the network."""
    sandbox_shows: tuple[str, ...] = ()
    """Absolute paths that are to be read in a sandbox, though they lie in somebody's home."""

    def limits(self) -> Limits:
        """Return what each process of a job may take."""
        return Limits(
            memory_bytes=self.memory_mib * MIB,
            file_bytes=self.file_mib * MIB,
            processes=self.processes,
            core_bytes=self.core_mib * MIB,
        )

    def confinement(self, own: Sequence[Path]) -> Confinement:
        """Return what bounds a job's child processes, from which a sandbox hides *own*."""
        shown = [Path(path) for path in self.sandbox_shows]
        sandbox = None if self.sandbox == "none" else sandbox_for(own, shown, network=self.sandbox_network)
        return Confinement(limits=self.limits(), sandbox=sandbox)
