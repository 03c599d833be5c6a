"""``hecate chat``, with a model that says again what it was asked."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hecate.client import Client
from hecate.daemon.cli import CLI
from hecate.daemon.cli.chat import model_and_prompt
from tests.daemon.child import Child, child_environment
from tests.daemon.cli.conftest import Hecate
from tests.daemon.cli.screen import Screen
from tests.daemon.cli.terminal import CTRL_C, CTRL_D, Terminal
from tests.fakes.scripted_server import ScriptedServer
from tests.serving import HECATE, serving


class Talk:
    """Starts ``hecate chat`` on a terminal."""

    def __init__(self, daemon: Child, folder: Path) -> None:
        self._daemon = daemon
        self._folder = folder
        self.history = folder / "hecate" / "chat_history"

    def __call__(self, *words: str, environ: Mapping[str, str] | None = None) -> Terminal:
        """Talk to the model of *words*, or to the only one."""
        environ = {"XDG_STATE_HOME": str(self._folder), **(environ or {})}
        return Terminal("--socket", self._daemon.socket_path, "chat", *(words or ("parrot",)), environ=environ)


@pytest.fixture
def talk(daemon: Child, tmp_path: Path) -> Talk:
    """Talk to the daemon's model; the history is the test's own."""
    return Talk(daemon, tmp_path)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hecate-") as folder:
        yield Path(folder)


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


def test_the_default_of_the_daemon_is_asked(hecate: Hecate) -> None:
    """Where no model is named."""
    assert json.loads(hecate("models", "--json").stdout)["default"] == "openai/parrot"


def test_without_a_model_the_remedy_is_named(short_folder: Path) -> None:
    """Not only that there is none: what to do, and what each provider lacks."""
    with serving(short_folder) as lonely:
        environ = {"HECATE_SOCKET": str(lonely.socket_path), "HECATE_MODEL": None}
        result = CliRunner().invoke(CLI, ["chat", "hello"], env=environ, prog_name="hecate")
    assert result.exit_code == 4
    assert (
        "there is no model to chat with; start ollama, or add a provider: `hecate providers add NAME`" in result.stderr
    )
    assert "openai not configured" in result.stderr


def test_ctrl_c_cancels_an_answer_and_ends_the_command(daemon: Child, provider: ScriptedServer) -> None:
    """What has come so far stays, the provider sees the end, and the exit code is 130."""
    with Terminal("--socket", daemon.socket_path, "chat", "parrot", "please wait") as terminal:
        terminal.wait_for("please wait")
        terminal.type(CTRL_C)
        assert terminal.end() == 130
    assert "Traceback" not in terminal.seen


def test_a_conversation_goes_on_after_ctrl_c(talk: Talk) -> None:
    """An answer is cancelled and not the program; what was said is remembered; Ctrl-D ends it."""
    with talk() as terminal:
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
        terminal.wait_for("please wait | please wait")
        terminal.wait_for("> ", times=4)
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert "Traceback" not in terminal.seen


def test_ctrl_c_twice_at_an_empty_prompt_leaves(talk: Talk) -> None:
    """The first one forgets what was typed, and says so."""
    with talk() as terminal:
        terminal.wait_for("> ")
        terminal.type(b"half a tho")
        terminal.wait_for("half a tho")
        terminal.type_until(CTRL_C, "Ctrl-C once more", times=1)
        terminal.wait_for("> ", times=2)
        assert terminal.end_by(CTRL_C) == 0


def test_a_prompt_of_several_lines(talk: Talk, provider: ScriptedServer) -> None:
    """A backslash goes on with the line, triple quotes with the prompt."""
    with talk() as terminal:
        terminal.wait_for("> ")
        terminal.type(b"one \\\ntwo\n")
        terminal.wait_for("> ", times=2)
        terminal.type(b'"""three\nfour\n"""\n')
        terminal.wait_for("> ", times=3)
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    asked = [exchange for exchange in provider.exchanges if exchange.path.endswith("/chat/completions")][-1].json()
    prompts = [message["content"] for message in asked["messages"] if message["role"] == "user"]
    assert prompts == ["one \ntwo", "three\nfour"]


def test_words_with_a_slash(talk: Talk, provider: ScriptedServer, tmp_path: Path) -> None:
    """They change what is asked and of whom, and never reach the model."""
    saved = tmp_path / "talk.md"
    with talk() as terminal:
        for number, (line, answer) in enumerate(
            (
                ("/help", "/save FILE"),
                ("/system be brief", "system: be brief"),
                ("hello", "be brief | hello"),
                ("/again", "be brief | hello"),
                (f"/save {saved}", "saved in"),
                (f"/save {saved}", "File exists"),
                ("/model typo", "model: typo"),
                ("hello", "no provider has the model"),
                ("/model parrot", "model: parrot"),
                ("/clear", "forgotten"),
                ("/nonsense", "there is no /nonsense"),
                ("//slash", "be brief | /slash"),
            ),
            start=1,
        ):
            terminal.wait_for("> ", times=number)
            begin = len(terminal.seen)
            terminal.type(line.encode() + b"\n")
            terminal.wait_for("> ", times=number + 1)
            assert answer in terminal.seen[begin:]
        terminal.type(b"/bye\n")
        assert terminal.end() == 0
    assert saved.read_text() == "## system\n\nbe brief\n\n## user\n\nhello\n\n## assistant\n\nbe brief | hello \n"
    assert all(b"/help" not in exchange.body for exchange in provider.exchanges)


def test_prompts_are_remembered_for_the_next_time(talk: Talk) -> None:
    """The key that goes up brings the last one back; nobody else can read them."""
    with talk() as terminal:
        terminal.wait_for("> ")
        terminal.type(b"remember me\n")
        terminal.wait_for("> ", times=2)
        terminal.type(CTRL_D)
        assert terminal.end() == 0
    assert talk.history.stat().st_mode & 0o077 == 0
    with talk() as terminal:
        terminal.wait_for("> ")
        terminal.type(b"\x1b[A")
        terminal.wait_for("> remember me")
        terminal.type(CTRL_D)


def test_markdown_is_drawn_on_a_terminal(talk: Talk) -> None:
    """While it comes, and once and for all at its end; longer than the terminal, each line is there once."""
    screen = Screen(120, 40)
    lines = "".join(f"- **item**{number} \n" for number in range(100))
    with talk("parrot", f"Items:\n\n{lines}\nThe end.") as terminal:
        assert terminal.end() == 0
    screen.write(terminal.seen)
    assert [line for line in screen.text.split("\n") if "item" in line] == [f" • item{number}" for number in range(100)]
    assert screen.text.endswith("The end.")


def test_an_answer_is_plain_where_that_is_wanted(talk: Talk) -> None:
    """By an option, or by a terminal that cannot move its cursor."""
    for words, environ in ((("--plain",), {}), ((), {"TERM": "dumb"})):
        with talk("parrot", "**bold**", *words, environ=environ) as terminal:
            assert terminal.end() == 0
        assert "**bold**" in terminal.seen
        assert "\x1b" not in terminal.seen


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
