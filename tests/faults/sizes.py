"""How much is done to the daemon: a little in every run of the tests, plenty with ``make test-faults``."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("HECATE_FAULTS") == "long"
"""Whether this is the long form.  It alone judges how long something took: it has the machine to itself."""
SEED = int(os.environ.get("HECATE_FAULTS_SEED", "1"))
"""When what is random happens."""


def size(short: T, long: T) -> T:
    """Return the size that this run has."""
    return long if LONG else short
