"""``hecate init`` in a home of its own: what it writes, what it leaves alone, and what it asks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.child import child_environment
from tests.daemon.cli.terminal import CTRL_C, Terminal
from tests.serving import HECATE, serving

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A new user's: no provider is there, and Ollama is not looked for where a developer's own may be."""
    kept = {name: value for name, value in child_environment().items() if not name.endswith("_API_KEY")}
    config = tmp_path / ".config" / "hecate" / "config.toml"
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text("#!/bin/sh\n")
    systemctl.chmod(0o755)
    return kept | {
        "HOME": str(tmp_path),
        # For root, too, whose usual place is the machine's.
        "HECATE_CONFIG": str(config),
        "OLLAMA_HOST": "127.0.0.1:1",
        "PATH": f"{systemctl.parent}:{os.environ['PATH']}",
    }


def init(environ: Mapping[str, str], *words: str, exit_code: int = 0) -> dict[str, Any]:
    """Run ``hecate init --json`` with *words*."""
    ran = subprocess.run(
        [HECATE, "init", "--json", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == exit_code, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout) if exit_code == 0 else {"error": ran.stderr}
    return answer


def test_keys_workspaces_and_unit_are_written_and_the_daemon_takes_them(
    environ: dict[str, str], tmp_path: Path, place: Path
) -> None:
    """The key in a file of its owner's alone, and in no other."""
    environ["GROQ_API_KEY"] = "gsk-secret"
    done = init(environ, "--yes", "--workspaces", str(tmp_path / "my projects"))
    config = Path(environ["HECATE_CONFIG"])
    key = config.with_name("groq.key")
    unit = tmp_path / ".config" / "systemd" / "user" / "hecate.service"
    assert done["files"] == {
        str(key): "written",
        str(tmp_path / "my projects"): "made",
        str(config): "written",
        str(unit): "written",
    }
    assert done["providers"] == ["groq"]
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("gsk-secret\n", 0o600)
    assert "gsk-secret" not in config.read_text() + unit.read_text() + json.dumps(done)
    assert tomllib.loads(config.read_text()) == {
        "providers": {"groq": {"api_key_file": str(key)}},
        "workspaces": {"dir": str(tmp_path / "my projects")},
    }
    with serving(place, configuration=config.read_text()) as daemon:
        providers = daemon.request("/api/llm/providers")["providers"]
        assert [(one["name"], one["has_key"]) for one in providers] == [("groq", True)]


def test_a_second_time_changes_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    """Whatever the first one has written is there already."""
    environ["GROQ_API_KEY"] = "gsk-secret"
    first = init(environ, "--yes", "--workspaces", str(tmp_path / "projects"))["files"]
    before = {path: Path(path).stat().st_mtime_ns for path in first if Path(path).is_file()}
    second = init(environ, "--yes", "--workspaces", str(tmp_path / "projects"))["files"]
    assert second == dict.fromkeys(first, "there already")
    assert before == {path: Path(path).stat().st_mtime_ns for path in before}


def test_what_is_there_is_kept_word_for_word(environ: dict[str, str], tmp_path: Path) -> None:
    """With --yes, too: a key of another day, an edited unit; to a configuration only tables are added."""
    config = Path(environ["HECATE_CONFIG"])
    config.parent.mkdir(parents=True)
    config.write_text('# mine\n[log]\nlevel = "debug"')
    config.chmod(0o640)
    key = config.with_name("groq.key")
    key.write_text("old\n")
    unit = tmp_path / ".config" / "systemd" / "user" / "hecate.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/my/own\n")
    environ["GROQ_API_KEY"] = "new"
    files = init(environ, "--yes")["files"]
    assert (files[str(key)], files[str(unit)]) == ("kept as it was", "kept as it was")
    assert key.read_text() == "old\n"
    assert unit.read_text() == "[Service]\nExecStart=/my/own\n"
    assert config.read_text() == f'# mine\n[log]\nlevel = "debug"\n\n[providers.groq]\napi_key_file = "{key}"\n'
    assert config.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="systemd-analyze, which checks units, is not here")
def test_systemd_understands_the_unit(environ: dict[str, str], tmp_path: Path) -> None:
    """It runs this very program, with the configuration that was named."""
    assert SYSTEMD_ANALYZE is not None
    init(environ, "--yes")
    unit = tmp_path / ".config" / "systemd" / "user" / "hecate.service"
    assert f"ExecStart={HECATE} serve --config {environ['HECATE_CONFIG']}\n" in unit.read_text()
    checked = subprocess.run(
        [SYSTEMD_ANALYZE, "verify", "--user", "--man=no", unit],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, str(unit) in checked.stderr) == (0, False), checked.stderr


def test_without_systemd_it_says_how_to_start(environ: dict[str, str], tmp_path: Path) -> None:
    """And writes no unit."""
    environ["PATH"] = str(tmp_path / "empty")
    done = init(environ, "--yes")
    assert done["next"] == [f"hecate serve --config {environ['HECATE_CONFIG']}"]
    assert not (tmp_path / ".config" / "systemd").exists()


def test_with_nobody_to_ask_it_names_yes(environ: dict[str, str]) -> None:
    """As in a script."""
    assert "hecate init --yes" in init(environ, exit_code=2)["error"]


def test_a_person_is_asked_and_typed_keys_are_not_shown(environ: dict[str, str], tmp_path: Path) -> None:
    """Providers until one is left empty, the folder, the unit."""
    with Terminal("init", environ=environ) as terminal:
        for question, answer in (
            ("Another provider", b"Open AI\n"),
            ("is no name of a provider", b"openai\n"),
            ("Key for openai", b"sk-typed\n"),
            ("Another provider, such as", b"\n"),
            ("files of ventures lie", b"\n"),
            ("systemd unit", b"n\n"),
        ):
            terminal.wait_for(question)
            if question == "Another provider, such as":
                terminal.wait_for(question, times=3)
            terminal.type(answer)
        assert terminal.end() == 0
        assert "sk-typed" not in terminal.seen
        assert "hecate serve" in terminal.seen
    key = Path(environ["HECATE_CONFIG"]).with_name("openai.key")
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("sk-typed\n", 0o600)
    assert not (tmp_path / ".config" / "systemd").exists()


def test_ctrl_c_at_a_question_leaves_nothing_behind(environ: dict[str, str], tmp_path: Path) -> None:
    """With the exit code of every command that is ended so."""
    before = sorted(tmp_path.rglob("*"))
    with Terminal("init", environ=environ) as terminal:
        terminal.wait_for("Another provider")
        assert terminal.end_by(CTRL_C) == 130
        assert "Traceback" not in terminal.seen
    assert sorted(tmp_path.rglob("*")) == before
