"""Which country an address belongs to: from the database that is built in, or a file of the operator's.

Nothing stays open or in memory between two questions: they are asked once an hour.  So a file that is replaced is seen
at the next one, and its disk may go away.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from hecate.restrict_geography.addresses import Address
from hecate.restrict_geography.countries import country_named

BUILT_IN = "iptocc"
LONGEST_NAME = 100
"""Characters of the name that a file gives itself."""
_ITS_BUILD = "sboms/iptocc-py.cyclonedx.json"
"""Where iptocc says when it was built, which is when its data is from."""


class DatabaseBroken(Exception):
    """The database cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Database:
    """Which database."""

    name: str
    date: str | None
    """The day of its data (``2026-10-27``); None: it does not say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a database says."""

    database: Database
    countries: tuple[str | None, ...]
    """One for each address that was asked for; None: it does not know."""


def look_up(path: str, addresses: Sequence[Address]) -> Answer:
    """Return the countries of *addresses*, from the file at *path* or, if that is empty, the one built in.

    Blocks while it reads.

    Raises:
        DatabaseBroken: The file is missing, cannot be read, or is no such database.
    """
    return _look_up_in_file(path, addresses) if path else _look_up_built_in(addresses)


def _look_up_built_in(addresses: Sequence[Address]) -> Answer:
    try:
        # Where geography is off, which is the default, its 1.8 MB are never loaded.
        import iptocc  # noqa: PLC0415 - see above
    except ImportError as exc:
        raise DatabaseBroken(f"the built-in database cannot be loaded: {exc}") from exc
    return Answer(_built_in(), tuple(country_named(iptocc.country_code(str(one)) or "") for one in addresses))


@cache
def _built_in() -> Database:
    its = distribution(BUILT_IN)
    date = None
    # If its build has changed, the version still says how old it is.
    with suppress(ValueError, KeyError, TypeError):
        date = _day(datetime.fromisoformat(json.loads(its.read_text(_ITS_BUILD) or "")["metadata"]["timestamp"]))
    return Database(f"{BUILT_IN} {its.version}", date)


def _look_up_in_file(path: str, addresses: Sequence[Address]) -> Answer:
    try:
        # Not needed by most, and 40 ms to import.
        import maxminddb  # noqa: PLC0415 - see above
    except ImportError as exc:
        raise DatabaseBroken(f"cannot read {path}: that takes the package maxminddb (hecate[mmdb])") from exc
    try:
        _check_is_file(path)
        # As a file, not mapped into memory: one that is cut off while it is read would kill the daemon (SIGBUS).
        with maxminddb.open_database(path, maxminddb.MODE_FILE) as reader:
            about = reader.metadata()
            found = tuple(_country_in(reader.get(one)) if _covers(about, one) else None for one in addresses)
            built = datetime.fromtimestamp(about.build_epoch, UTC)
            return Answer(Database(str(about.database_type)[:LONGEST_NAME], _day(built)), found)
    except OSError as exc:
        raise DatabaseBroken(f"cannot read {path}: {exc.strerror or exc}") from exc
    except Exception as exc:
        # Not only `InvalidDatabaseError`: garbage makes the reader stumble in ways that it does not name.
        raise DatabaseBroken(f"{path} is no database of countries, or damaged: {exc}") from exc


def _check_is_file(path: str) -> None:
    """Refuse what is no file: a pipe would be waited for without end.

    Raises:
        OSError: It is none, or there is nothing.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(None, "it is not a file")


def _covers(about: Any, address: Address) -> bool:
    return bool(address.version <= about.ip_version)


def _country_in(record: Any) -> str | None:
    """Return the country in *record*, in whichever of the shapes that are about.

    ``{"country": {"iso_code": "NL"}}`` (MaxMind, DB-IP; ``registered_country`` where that is all there is),
    ``{"country_code": "NL"}`` and ``{"country": "NL"}``.
    """
    if not isinstance(record, dict):
        return None
    for key in ("country", "country_code", "registered_country"):
        value = record.get(key)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and (country := country_named(code)):
            return country
    return None


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
