"""The bill of materials: all that is locked for running, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements" / "run.lock").read_text()


def printed() -> str:
    """Return what ``scripts/sbom`` prints."""
    run = subprocess.run([ROOT / "scripts" / "sbom"], check=True, capture_output=True, text=True, cwd="/")
    return run.stdout


def test_every_locked_package_is_in_it() -> None:
    """With its version, and the hash of every file that may be installed."""
    bill: dict[str, Any] = json.loads(printed())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(component["name"], component["version"]) for component in bill["components"]}
    assert listed == set(re.findall(r"^(\S+)==(\S+)", LOCK, re.MULTILINE))
    hashes = {
        entry["content"]
        for component in bill["components"]
        for reference in component["externalReferences"]
        for entry in reference["hashes"]
    }
    assert hashes == set(re.findall(r"sha256:([0-9a-f]{64})", LOCK))


def test_every_reference_leads_somewhere() -> None:
    """Its own component depends on all others, each named once."""
    bill: dict[str, Any] = json.loads(printed())
    names = [component["bom-ref"] for component in bill["components"]]
    (own,) = bill["dependencies"]
    assert own["ref"] == bill["metadata"]["component"]["bom-ref"]
    assert own["dependsOn"] == names
    assert len(set(names)) == len(names)


def test_the_same_lock_gives_the_same_bill() -> None:
    """Byte for byte, so that two can be compared."""
    assert printed() == printed()
