"""Ids: they grow, whatever the clock does."""

from __future__ import annotations

import re

from hecate.dossiers.ids import COUNTER_BITS, IdSource


def test_each_id_is_greater_than_the_one_before() -> None:
    """Also within one millisecond, and when there are more than its counter can tell apart."""
    source = IdSource()
    ids = [source.next() for _ in range(2 << COUNTER_BITS)]
    assert ids == sorted(set(ids))
    assert all(re.fullmatch(r"[0-9a-f]{20}", made) for made in ids)


def test_two_sources_share_no_id() -> None:
    """A second daemon, or the same after a clock was set back, makes others: the end is random."""
    one, other = IdSource(), IdSource()
    assert not {one.next() for _ in range(100)} & {other.next() for _ in range(100)}
