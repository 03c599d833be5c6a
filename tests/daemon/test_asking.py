"""A job's question to a model, through the gateway as the daemon is configured."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.calling import Caller
from tests.fakes.openai_style import MODEL, parrot
from tests.serving import serving

PROPOSAL = json.dumps({"divisions": [{"name": "billing"}]})


def test_the_configured_default_is_asked() -> None:
    """By the name that it is given, here an alias; a model that is named goes first."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder, parrot() as model:
        default = f'[llm]\ndefault_model = "mine"\naliases = {{ mine = "openai/{MODEL}" }}\n'
        with serving(Path(folder), configuration=model.configuration + default) as child:
            caller = Caller(child.socket_path)
            venture_id = caller.venture(brief="An online shop")
            path = f"/api/ventures/{venture_id}/discovery"
            caller.done(f"{path}/start")
            model.says.append(PROPOSAL)
            assert caller.post(f"{path}/propose?wait=true").json["events"][0]["data"]["model"] == f"openai/{MODEL}"
            assert caller.post(f"{path}/propose?wait=true", {"model": "other"}).code == "model_not_found"
            caller.close()
