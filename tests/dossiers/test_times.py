"""Times as they are shown."""

from __future__ import annotations

from hecate.dossiers.times import rfc3339, rfc3339_milliseconds, rfc3339_or_none


def test_milliseconds_become_rfc_3339() -> None:
    """To the second or in full, in UTC; nothing is rounded up."""
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1_770_717_600_999) == "2026-02-10T10:00:00Z"
    assert rfc3339_milliseconds(1_770_717_600_005) == "2026-02-10T10:00:00.005Z"
    assert rfc3339_or_none(0) == "1970-01-01T00:00:00Z"
    assert rfc3339_or_none(None) is None
