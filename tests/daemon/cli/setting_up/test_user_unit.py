"""The unit of one user."""

from __future__ import annotations

from pathlib import Path

from hecate.daemon.cli.setting_up.user_unit import unit


def test_paths_are_written_as_units_have_them() -> None:
    """With spaces, percent and dollar signs, which mean something there."""
    written = unit(Path("/home/a b/100%/hecate"), Path("/etc/$x.toml"))
    assert 'ExecStart="/home/a b/100%%/hecate" serve --config /etc/$$x.toml\n' in written
