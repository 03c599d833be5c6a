"""Bytes that are not what they were: flipped or cut off, in the database or its log, at the end or in the middle.

The judge knows the store as it was and what writers were told.  Whatever it finds wrong with a damaged copy, the doctor
must have found, too, and have said where; a backup brings all of it back.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import apsw
import pytest

from hecate.daemon.cli.folding import find_folding
from hecate.dossiers.errors import Unavailable
from hecate.dossiers.store_check import check_store, frames_read
from hecate.dossiers.write_ahead_log import FRAME_HEADER_BYTES, HEADER_BYTES as LOG_HEADER_BYTES
from hecate.keep_store.examine_store import examine_store
from tests.daemon.child import started
from tests.faults.conftest import Say
from tests.faults.crowd import WRITERS, Crowd
from tests.faults.daemons import arguments_in, serving_from
from tests.faults.sizes import SEED, size
from tests.faults.writing import writing
from tests.keep_store.looking import change, flip, rows
from tests.serving import HECATE

COMMANDS = size(150, 1000)
ROUNDS = size(2, 60)
"""How often each kind of damage is done."""
PAGE_BYTES = 4096
PLACE = re.compile(r"\d|\w\.\w| for \w+|cannot be read: database disk image")
"""A number, a table, or its column; nothing more is to be said where SQLite cannot even read which tables there are."""

pytestmark = [pytest.mark.timeout(size(60, 1200)), pytest.mark.xdist_group("damage")]


class Store(NamedTuple):
    """A store in *place*, and what its writers were told."""

    place: Path
    crowd: Crowd

    @property
    def database(self) -> Path:
        """Its file."""
        return self.place / "data" / "hecate.db"


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, Store]]:
    """Give one whose daemon was killed, with a log, and one whose daemon was stopped, without."""
    with TemporaryDirectory(prefix="hecate-") as folder:
        made = {}
        for name, end in (("killed", "kill"), ("stopped", "terminate")):
            place = Path(folder) / name
            place.mkdir()
            made[name] = Store(place, Crowd())
            with serving_from(place) as child:
                with writing(child.socket_path, made[name].crowd.writers):
                    made[name].crowd.wait_for_more(COMMANDS)
                getattr(child.process, end)()
                child.end()
            assert made[name].crowd.wrongs(place) == []
        yield made


Damage = Callable[[Path, random.Random], int]


def written_bytes(file: Path) -> int:
    """Return how much of *file* is in use: of a log, which keeps its size, what was written since it began anew."""
    if file.suffix != ".db-wal":
        return file.stat().st_size
    with TemporaryDirectory() as folder:
        # Looking at a log makes its index anew, which tells how much there was.
        for part in file.parent.glob("hecate.db*"):
            shutil.copy(part, folder)
        with closing(apsw.Connection(str(Path(folder) / "hecate.db"))) as db:
            return LOG_HEADER_BYTES + frames_read(db) * (FRAME_HEADER_BYTES + PAGE_BYTES)


def flip_in_tail(file: Path, chance: random.Random) -> int:
    """Flip a byte of the last page."""
    length = written_bytes(file)
    at = chance.randrange(length - PAGE_BYTES, length)
    flip(file, at)
    return at


def flip_anywhere(file: Path, chance: random.Random) -> int:
    """Flip a byte."""
    at = chance.randrange(written_bytes(file))
    flip(file, at)
    return at


def cut_off(file: Path, chance: random.Random) -> int:
    """Cut off some of the last bytes."""
    at = written_bytes(file) - chance.randint(1, 4 * PAGE_BYTES)
    with file.open("r+b") as opened:
        opened.truncate(at)
    return at


KINDS: list[tuple[str, str, Damage]] = [
    (name, file, damage)
    for name, file in (("killed", "hecate.db-wal"), ("stopped", "hecate.db"))
    for damage in (flip_in_tail, flip_anywhere, cut_off)
]


@pytest.mark.parametrize("kind", KINDS, ids=[f"{damage.__name__}-{file}" for _, file, damage in KINDS])
def test_no_damage_is_silent(stores: dict[str, Store], tmp_path: Path, kind: tuple[str, str, Damage], say: Say) -> None:
    """What the judge finds wrong the doctor says, with a place; where no daemon starts, it says that, too."""
    name, file, damage = kind
    store, chance = stores[name], random.Random(f"{SEED} {file} {damage.__name__}")
    outcomes: Counter[str] = Counter()
    for number in range(ROUNDS):
        place = tmp_path / str(number)
        shutil.copytree(store.place / "data", place / "data")
        at = damage(place / "data" / file, chance)
        # Started, examined, and started again: what was told once must be told the next time.
        refused = is_refused(place / "data" / "hecate.db")
        told = [finding for finding in examine_store(place / "data", *find_folding()) if finding.state == "problem"]
        assert is_refused(place / "data" / "hecate.db") == refused
        wrongs = store.crowd.wrongs(place)
        assert told or not wrongs, (at, wrongs)
        assert not told or any(PLACE.search(finding.found) for finding in told), (at, told)
        assert told or not refused, (at, refused)
        outcomes["wrong" if wrongs else "unharmed"] += 1
        outcomes["told"] += bool(told)
        outcomes["refused at the start"] += bool(refused)
        shutil.rmtree(place)
    counted = ", ".join(f"{count} {what}" for what, count in outcomes.items())
    say(f"{file}, {damage.__name__} {ROUNDS} times: {counted}")


def is_refused(database: Path) -> str:
    """Return why a daemon would not start with *database*; empty: it would."""
    try:
        check_store(database)
    except Unavailable as error:
        return str(error)
    return ""


def hecate(store: Path, *words: str | Path, exit_code: int = 0) -> str:
    """Run a command of the command line on the data in *store*, and return what it prints."""
    told = subprocess.run(
        [HECATE, *words, "--data-dir", store / "data", "--config", store / "config.toml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == exit_code, (told.stdout, told.stderr)
    return told.stdout


@pytest.fixture
def damaged(stores: dict[str, Store], place: Path) -> Store:
    """Give a copy of the stopped store, to be damaged, with a backup of it."""
    store = stores["stopped"]
    shutil.copytree(store.place / "data", place / "data")
    arguments_in(place)
    hecate(place, "backup", place / "backup")
    return Store(place, store.crowd)


def test_read_models_come_back_from_their_events(damaged: Store, say: Say) -> None:
    """The doctor says which rows differ, and with ``--rebuild`` it puts them right."""
    change(damaged.database, "UPDATE divisions SET name = 'other' WHERE name LIKE '%1'; DELETE FROM processes")
    assert [wrong for wrong in damaged.crowd.wrongs(damaged.place) if "read model" in wrong]
    told = json.loads(hecate(damaged.place, "doctor", "--json", exit_code=1))["findings"]
    differing = [finding for finding in told if finding["read_models"]]
    hecate(damaged.place, "doctor", "--rebuild")
    assert damaged.crowd.wrongs(damaged.place) == []
    say("; ".join(finding["found"] for finding in differing))


def test_a_backup_brings_all_of_it_back(damaged: Store, say: Say) -> None:
    """A page in the middle is overwritten: the doctor says so, and after a restore all is there."""
    ((its_hash,),) = rows(damaged.database, "SELECT hash FROM events WHERE position = 100")
    with damaged.database.open("r+b") as file:
        file.seek(file.read().index(its_hash) // PAGE_BYTES * PAGE_BYTES)
        file.write(bytes(PAGE_BYTES))
    assert damaged.crowd.wrongs(damaged.place)
    hecate(damaged.place, "doctor", "--json", exit_code=1)
    refused = is_refused(damaged.database)
    hecate(damaged.place, "restore", damaged.place / "backup", "--force")
    assert damaged.crowd.wrongs(damaged.place) == []
    hecate(damaged.place, "doctor")
    with serving_from(damaged.place) as child:
        journal_goes_on = Crowd()
        with writing(child.socket_path, journal_goes_on.writers):
            journal_goes_on.wait_for_more(WRITERS)
    say(f"refused before: {refused or 'no'}; {damaged.crowd.acknowledged:,} commands are back")


def test_a_damaged_store_is_refused_in_a_sentence(damaged: Store) -> None:
    """By the daemon itself, which leaves it as it is."""
    with damaged.database.open("r+b") as file:
        file.truncate(damaged.database.stat().st_size - PAGE_BYTES)
    before = damaged.database.read_bytes()
    with started(arguments_in(damaged.place), damaged.place / "s", program=(HECATE,)) as child:
        assert child.end() == 1
        (sentence,) = child.err
    assert "left as it" in sentence
    assert damaged.database.read_bytes() == before
