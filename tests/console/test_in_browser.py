"""The console in a real browser, on a real daemon: what a person does, from an empty daemon on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.fakes.ollama import ollama
from tests.serving import serving

SOURCES = Path(__file__).resolve().parents[2] / "console"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(
    CHROMIUM is None or shutil.which("node") is None or not (SOURCES / "node_modules/playwright-core").exists(),
    reason="needs chromium, node, and `npm ci` in console/",
)
@pytest.mark.timeout(180)
def test_a_persons_journey() -> None:
    """Forms, live changes, jobs, monitoring, events, models; no serious finding by axe, nothing too wide at 360 px."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        ollama() as provider,
        serving(Path(folder), provider.url) as daemon,
    ):
        pictures = os.environ.get("CONSOLE_PICTURES", "")
        words = ("node", "tests/journey.mjs", str(daemon.socket_path), str(CHROMIUM), *filter(None, [pictures]))
        journey = subprocess.run(words, cwd=SOURCES, check=False, capture_output=True, text=True)
    assert "the journey is done" in journey.stdout, journey.stderr
