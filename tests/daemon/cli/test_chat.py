"""``hecate chat``, with a model that says again what it was asked."""

from __future__ import annotations

import json
import subprocess

import pytest

from hecate.client import Client
from hecate.daemon.cli.chat import model_and_prompt
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.terminal import CTRL_C, CTRL_D, Terminal
from tests.fakes.scripted_server import ScriptedServer
from tests.serving import HECATE


def test_a_prompt_is_answered(hecate: Hecate) -> None:
    """Without a model the first one is asked; the answer ends its line."""
    assert hecate("chat", "hello there").stdout == "hello there \n"


def test_what_is_piped_in_is_added_to_the_prompt(hecate: Hecate) -> None:
    """As in ``git diff | hecate chat "review this"``; bytes that are no text do no harm."""
    assert hecate("chat", "review this", stdin="+ line\n").stdout == "review this\n\n+ line \n"
    assert hecate("chat", stdin=b"all \xff of it").stdout == "all \ufffd of it \n"


def test_options_are_passed_on(hecate: Hecate, provider: ScriptedServer) -> None:
    """System message, temperature and limit reach the provider."""
    words = ("--system", "be brief", "--temperature", "0.5", "--max-tokens", "7", "-m", "openai/parrot", "hello")
    assert hecate("chat", *words).stdout == "be brief | hello \n"
    # The daemon looks for models in the background too.
    asked = [exchange for exchange in provider.exchanges if exchange.path.endswith("/chat/completions")][-1].json()
    assert (asked["model"], asked["temperature"]) == ("parrot", 0.5)
    assert 7 in asked.values()


def test_the_whole_answer_is_json_for_scripts(hecate: Hecate) -> None:
    """One document, with what it cost."""
    answer = json.loads(hecate("chat", "parrot", "hello", "--json").stdout)
    assert (answer["content"], answer["usage"]["completion_tokens"]) == ("hello", 2)


def test_the_words_mean_a_model_a_prompt_or_both(client: Client) -> None:
    """A single word is a model only if there is one of that name."""
    assert model_and_prompt(client, (), None) == ("openai/parrot", None)
    assert model_and_prompt(client, ("parrot",), None) == ("parrot", None)
    assert model_and_prompt(client, ("openai/parrot",), None) == ("openai/parrot", None)
    assert model_and_prompt(client, ("parrots",), None) == ("openai/parrot", "parrots")
    assert model_and_prompt(client, ("typo", "hello"), None) == ("typo", "hello")
    assert model_and_prompt(client, ("parrot",), "other") == ("other", "parrot")


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ((), 2, "there is no prompt"),
        (("a", "b", "c"), 2, "put the prompt in quotes"),
        (("-m", "parrot", "a", "b"), 2, "put the prompt in quotes"),
        (("typo", "hello"), 4, "typo"),
        (("parrot", "fail"), 4, "asleep"),
    ],
)
def test_what_goes_wrong_has_its_exit_code(hecate: Hecate, words: tuple[str, ...], code: int, complaint: str) -> None:
    """2 for the command line, 4 where no model answered."""
    result = hecate("chat", *words, exit_code=code)
    assert result.stdout == ""
    assert complaint in result.stderr


def test_ctrl_c_cancels_an_answer_and_ends_the_command(daemon: Child, provider: ScriptedServer) -> None:
    """What has come so far stays, the provider sees the end, and the exit code is 130."""
    with Terminal("--socket", daemon.socket_path, "chat", "parrot", "please wait") as terminal:
        terminal.wait_for("please wait")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_a_conversation_goes_on_after_ctrl_c(daemon: Child) -> None:
    """An answer is cancelled and not the program; what was said is remembered; Ctrl-D ends it."""
    with Terminal("--socket", daemon.socket_path, "chat", "parrot") as terminal:
        terminal.wait_for("> ")
        terminal.type(b"please wait\n")
        terminal.wait_for("please wait", times=2)
        terminal.type(CTRL_C)
        terminal.wait_for("cancelled")
        terminal.wait_for("> ", times=2)
        terminal.type(b"fail\n")
        terminal.wait_for("asleep")
        terminal.wait_for("> ", times=3)
        terminal.type(b"hello\n")
        terminal.wait_for("please wait | please wait  | hello")
        terminal.wait_for("> ", times=4)
        terminal.type_until(CTRL_C, "> ", times=5)
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_a_model_cannot_steer_the_terminal(daemon: Child) -> None:
    """Escape sequences in an answer are not passed to a terminal."""
    with Terminal("--socket", daemon.socket_path, "chat", "parrot", "a\x1b[31mred\x07") as terminal:
        assert terminal.end() == 0
    assert "a[31mred" in terminal.seen


def test_an_answer_in_a_pipe_is_as_the_model_gave_it(daemon: Child) -> None:
    """A pipe is no terminal: nothing is taken away."""
    command = [str(HECATE), "--socket", str(daemon.socket_path), "chat", "parrot", "a\x1b[31mred"]
    environ = child_environment()
    run = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert run.stdout == b"a\x1b[31mred \n"
