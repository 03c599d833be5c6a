"""One step of keeping a store, as a program that a test can kill.

python -m tests.keep_store.at_work STEP FROM TO
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from hecate.dossiers import processes
from hecate.dossiers.event_store import EventStore
from hecate.dossiers.event_types import EventTypes
from hecate.dossiers.fold import Folding
from hecate.keep_store.back_up import back_up
from hecate.keep_store.import_events import import_events, lines_of
from hecate.keep_store.rebuild import rebuild
from hecate.keep_store.restore import restore
from tests.dossiers.shelf import DESKS, SHELVES, TITLES

READ_MODELS = (processes.READ_MODEL, SHELVES, TITLES)
FOLDING = Folding(tuple(DESKS), EventTypes(DESKS.items()))


def take_in(lines: Path, data_dir: Path) -> None:
    """Import the events of a file."""
    with closing(EventStore.open(data_dir / "hecate.db")) as store:
        import_events(store, lines_of(lines))


STEPS: Mapping[str, Callable[[Path, Path], object]] = {
    "backup": back_up,
    "restore": lambda backup, data_dir: restore(backup, data_dir, force=True),
    "rebuild": lambda data_dir, _: rebuild(data_dir, FOLDING, READ_MODELS),
    "import": take_in,
}


def main() -> None:
    """Say when the work begins and when it is done."""
    _, step, source, target = sys.argv
    print("begun", flush=True)  # noqa: T201 - a test reads it
    STEPS[step](Path(source), Path(target))
    print("done", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
