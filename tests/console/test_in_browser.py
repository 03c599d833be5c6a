"""The console in a real browser, on a real daemon: what a person does, from an empty daemon on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.daemon.child import Child
from tests.fakes.ollama import ollama
from tests.fakes.openai_style import parrot
from tests.join_mesh.rig import a_rig
from tests.serving import serving

SOURCES = Path(__file__).resolve().parents[2] / "console"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


PROPOSED_DIVISIONS = {
    "divisions": [{"name": "billing", "description": "who pays", "rationale": "money", "boundaries": ["invoices"]}]
}
PROPOSED_DESIGN = {
    "aggregates": [
        {"name": "account", "stream_pattern": "account-{id}", "status_flags": [], "description": "one payer"}
    ],
    "events": [{"name": "account_opened", "aggregate": "account", "payload_fields": ["email"]}],
}

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None or shutil.which("node") is None or not (SOURCES / "node_modules/playwright-core").exists(),
        reason="needs chromium, node, and `npm ci` in console/",
    ),
    pytest.mark.timeout(180),
]


def go(journey: str, daemon: Child, **environment: str) -> None:
    """Run a journey of ``console/tests``; pictures go where ``CONSOLE_PICTURES`` says."""
    pictures = os.environ.get("CONSOLE_PICTURES", "")
    words = ("node", f"tests/{journey}.mjs", str(daemon.socket_path), str(CHROMIUM), *filter(None, [pictures]))
    ended = subprocess.run(
        words, cwd=SOURCES, check=False, capture_output=True, text=True, env=os.environ | environment
    )
    assert "the journey is done" in ended.stdout, ended.stderr


def test_a_persons_journey() -> None:
    """Forms, live changes, jobs, monitoring, events, models; no serious finding by axe, nothing too wide at 360 px."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        ollama() as provider,
        serving(Path(folder), provider.url) as daemon,
    ):
        go("journey", daemon)


def test_what_a_model_proposes_is_picked() -> None:
    """Divisions and a design: shown with what they cost, and made only by a person's word."""
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        parrot() as model,
        serving(Path(folder), configuration=model.configuration) as daemon,
    ):
        model.says += [json.dumps(PROPOSED_DIVISIONS), json.dumps(PROPOSED_DESIGN)]
        go("proposals", daemon)


def test_a_peer_is_invited_and_seen() -> None:
    """A mesh begins in the console, and its picture has the peer with its capabilities and models."""
    with ollama() as provider, a_rig() as rig:
        anna = rig.start("anna")
        bert = rig.start("bert", mesh='share_models = ["*"]', ollama_url=provider.url)
        go("mesh", anna.child, OTHER_SOCKET=str(bert.child.socket_path))
