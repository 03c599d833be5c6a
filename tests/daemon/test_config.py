"""The configuration: one file, the environment, the command line; and its document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from hecate.daemon.config import Configuration, ServeOptions, exposed_file, load
from hecate.daemon.errors import ConfigurationWrong
from tests.daemon.child import started

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
ROW = re.compile(r"^\| `(?P<key>[a-z]+\.[A-Za-z_.]+)` \| (?P<default>[^|]*) \|", re.MULTILINE)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the user's own daemon is seen."""
    for name in ("HECATE_CONFIG", "HECATE_SOCKET", "HECATE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the path of a configuration file that is still to be written."""
    return tmp_path / "config.toml"


def read(file: Path, text: str, **options: Any) -> Configuration:
    """Return the configuration that *text* makes."""
    file.write_text(text)
    return load(ServeOptions(config=file, **options))


def complaint(file: Path, text: str) -> str:
    """Return what is said of *text*, without the file's name, which is always there."""
    with pytest.raises(ConfigurationWrong) as caught:
        read(file, text)
    assert str(caught.value).startswith(f"{file}")
    return str(caught.value).removeprefix(f"{file}").removeprefix(": ")


def test_an_empty_file_is_all_defaults(file: Path) -> None:
    """Nothing needs to be set."""
    configuration = read(file, "")
    assert configuration.socket.mode == "0600"
    assert configuration.log.level == "info"
    assert configuration.lifecycle.gates == "advice"
    assert configuration.providers == {}
    assert configuration.socket_path.is_absolute()
    assert configuration.data_dir.is_absolute()


def test_every_table_is_read(file: Path) -> None:
    """What is written in the file is what holds."""
    configuration = read(
        file,
        """
        [socket]
        path = "/run/x/s"
        mode = "0660"
        group = "staff"
        [data]
        dir = "~/hecate"
        [http]
        listen = "[::1]:11500"
        token_file = "~/t"
        [log]
        level = "debug"
        format = "json"
        [lifecycle]
        gates = "strict"
        [llm]
        models_fresh_seconds = 5
        [llm.aliases]
        fast = "groq/llama"
        [providers.groq]
        api_key = "k"
        prices = "groq"
        [usage]
        keep_days = 7
        [budgets]
        per_day_usd = 5
        on_exceeded = "refuse"
        [telemetry]
        otlp_endpoint = "http://127.0.0.1:4318"
        """,
    )
    assert configuration.socket_path == Path("/run/x/s")
    assert configuration.data_dir == Path.home() / "hecate"
    assert configuration.http.listen == "[::1]:11500"
    assert configuration.http.token_file == str(Path.home() / "t")
    assert configuration.log.format == "json"
    assert configuration.lifecycle.gates == "strict"
    assert configuration.llm.aliases == {"fast": "groq/llama"}
    assert configuration.providers["groq"].api_key == "k"
    assert configuration.providers["groq"].prices == "groq"
    assert configuration.usage.keep_days == 7
    assert (configuration.budgets.per_day_usd, configuration.budgets.on_exceeded) == (5, "refuse")
    assert configuration.telemetry.otlp_endpoint == "http://127.0.0.1:4318"


def test_the_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``HECATE_SOCKET`` and ``HECATE_DATA_DIR`` replace what the file says."""
    monkeypatch.setenv("HECATE_SOCKET", "/run/e/s")
    monkeypatch.setenv("HECATE_DATA_DIR", "~/e")
    configuration = read(file, '[socket]\npath = "/run/f/s"\n[data]\ndir = "/f"')
    assert configuration.socket_path == Path("/run/e/s")
    assert configuration.data_dir == Path.home() / "e"


def test_the_command_line_wins_over_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option replaces the environment and the file; a relative path is the caller's."""
    monkeypatch.setenv("HECATE_SOCKET", "/run/e/s")
    text = '[log]\nlevel = "error"'
    configuration = read(file, text, socket=Path("here"), data_dir=Path("/o"), log_level="debug", log_format="human")
    assert configuration.socket_path == Path.cwd() / "here"
    assert configuration.data_dir == Path("/o")
    assert configuration.log.level == "debug"
    assert configuration.log.format == "human"


def test_the_file_may_be_named_by_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``HECATE_CONFIG`` names the file, unless the command line does."""
    file.write_text('[log]\nlevel = "error"')
    monkeypatch.setenv("HECATE_CONFIG", str(file))
    assert load(ServeOptions()).log.level == "error"


def test_a_file_that_is_named_must_exist(file: Path) -> None:
    """A misspelt ``--config`` is not taken for "no configuration"."""
    with pytest.raises(ConfigurationWrong, match=re.escape(f"{file}: No such file")):
        load(ServeOptions(config=file))


def test_a_file_at_the_default_place_may_be_absent() -> None:
    """The first start needs no file."""
    assert load(ServeOptions()).log.level == "info"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("colour = 1", 'unknown key "colour"'),
        ("[log]\nlevle = 'x'", 'unknown key "log.levle" (did you mean "level"?)'),
        ("[providers.groq]\nkid = 'x'", 'unknown key "providers.groq.kid" (did you mean "kind"?)'),
        ("[providers.a.deadlines]\ngap = 1", 'unknown key "providers.a.deadlines.gap"'),
        ("[socket]\nmode = '0777'", '"socket.mode" must be "0600" or "0660"'),
        ("[socket]\npath = 3", '"socket.path" is wrong: expected a string, got an integer'),
        ("log = 3", '"log" is wrong: expected a table, got an integer'),
        ("[llm.deadlines]\nconnect_seconds = -1", '"llm.deadlines.connect_seconds" is wrong: expected a number > 0.0'),
        ("[llm.aliases]\nfast = 3", '"llm.aliases.fast" is wrong: expected a string or an array, got an integer'),
        ('[llm.fallbacks]\nfast = "a"', '"llm.fallbacks.fast" is wrong: expected an array, got a string'),
        ("[llm.fallbacks]\nfast = [3]", '"llm.fallbacks.fast[0]" is wrong: expected a string, got an integer'),
        ("[llm.aliases]\nfast = ['a', 3]", '"llm.aliases.fast[1]" is wrong: expected a string, got an integer'),
        ("[http]\nlisten = ':80'", "http.listen must begin with an IP address, and is ':80'"),
        ("[http]\ntoken = 'a'\ntoken_file = '/a'", "only one of http.token and http.token_file may be set"),
        ("[http]\ntoken_file = 'a'", "http.token_file must be an absolute path or begin with ~, and is 'a'"),
        ("[data]\ndir = 'here'", "data.dir must be an absolute path or begin with ~, and is 'here'"),
        ("[socket]\nmode = '0660'", 'socket.mode "0660" and socket.group go together; only one of them is set'),
        ("[socket]\ngroup = 'staff'", 'socket.mode "0660" and socket.group go together; only one of them is set'),
    ],
)
def test_a_mistake_is_named(file: Path, text: str, expected: str) -> None:
    """The message names the file, the key, and what would be right."""
    assert complaint(file, text) == expected


def test_what_is_not_toml_is_refused_with_its_line(file: Path) -> None:
    """A broken file names the place of the break."""
    assert "is not TOML" in complaint(file, "[log\n")
    assert "line 1" in complaint(file, "[log\n")


@pytest.mark.parametrize(
    ("text", "mode", "exposed"),
    [
        ('[providers.x]\napi_key = "k"', 0o644, True),
        ('[providers.x]\napi_key = "k"', 0o640, True),
        ('[providers.x]\napi_key = "k"', 0o600, False),
        ('[providers.x]\napi_key_file = "/k"', 0o644, False),
        ('[http]\ntoken = "0123456789abcdef"', 0o644, True),
    ],
)
def test_keys_that_others_may_read_are_noticed(file: Path, text: str, mode: int, exposed: bool) -> None:  # noqa: FBT001
    """A key in a file that others may read is worth a warning; a reference to a key file is not."""
    configuration = read(file, text)
    file.chmod(mode)
    assert (exposed_file(ServeOptions(config=file), configuration) == file) is exposed


def test_the_daemon_exits_with_2_and_one_sentence(place: Path) -> None:
    """A wrong configuration is exit code 2, no traceback, and nothing made."""
    (place / "c.toml").write_text("[log]\nlevle = 1\n")
    arguments: list[str | Path] = ["--config", place / "c.toml", "--socket", place / "s", "--data-dir", place / "data"]
    with started(arguments, place / "s") as child:
        assert child.end() == 2
        assert child.err == [f'hecate: {place}/c.toml: unknown key "log.levle" (did you mean "level"?)']
    assert sorted(path.name for path in place.iterdir()) == ["c.toml"]


def test_the_document_lists_every_key_with_its_default() -> None:
    """``docs/configuration.md`` is as long as the structs, and says the same."""
    documented = {match["key"]: match["default"].strip() for match in ROW.finditer(DOCUMENT.read_text("utf-8"))}
    assert documented == dict(keys_of(Configuration, ""))


def keys_of(table: type[Struct], prefix: str) -> list[tuple[str, str]]:
    """Return each key of *table* with its default as the document writes it."""
    found: list[tuple[str, str]] = []
    hints = get_type_hints(table)
    for field in fields(table):
        kind = inner_table(hints[field.name])
        key = f"{prefix}{field.name}"
        if get_origin(hints[field.name]) is dict and kind:
            found += keys_of(kind, f"{key}.NAME.")
        elif kind and isinstance(field.default, kind):
            found += keys_of(kind, f"{key}.")
        else:
            found.append((key, as_toml(field.default if field.default is not NODEFAULT else field.default_factory())))
    return found


def inner_table(hint: Any) -> type[Struct] | None:
    """Return the struct that *hint* is, or holds."""
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and issubclass(part, Struct):
            return part
    return None


def as_toml(value: object) -> str:
    """Return *value* as the document's second column shows it."""
    match value:
        case None | "":
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case float() | int():
            return f"`{value:g}`"
        case str():
            return f'`"{value}"`'
        case dict():
            return "`{}`"
        case _:
            return "`[]`"
