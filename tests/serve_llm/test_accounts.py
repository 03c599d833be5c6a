"""Which providers are configured, by the settings and the environment together."""

from __future__ import annotations

from pathlib import Path

import pytest

from hecate.dossiers.errors import Invalid
from hecate.serve_llm.accounts import Sources, configured_accounts
from hecate.serve_llm.providers.provider import Account
from hecate.serve_llm.settings import Deadlines, LlmSettings, ProviderSettings

KEY = "sk-test-0123456789abcdef"


def accounts(
    environ: dict[str, str] | None = None, llm: LlmSettings | None = None, **providers: ProviderSettings
) -> dict[str, Account]:
    """Return the configured accounts."""
    return configured_accounts(Sources(llm or LlmSettings(), providers, environ or {}))


def test_nothing_said() -> None:
    """Without a word, Ollama on this machine is configured, and nothing else."""
    (ollama,) = accounts().values()
    assert (ollama.name, ollama.base_url) == ("ollama", "http://127.0.0.1:11434")


def test_environment() -> None:
    """A key in the environment configures its provider; an address of its own replaces the usual one."""
    found = accounts({"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY, "OLLAMA_HOST": "gpu:1"})
    assert list(found) == ["ollama", "openai", "groq"]
    assert found["openai"].base_url == "https://api.openai.com/v1"
    assert found["ollama"].base_url == "http://gpu:1"


def test_address_without_a_key() -> None:
    """An address alone configures a provider: many local servers want no key."""
    found = accounts({"OPENAI_BASE_URL": "http://127.0.0.1:8080/v1/"})["openai"]
    assert (found.base_url, found.api_key) == ("http://127.0.0.1:8080/v1", "")


def test_settings_win(tmp_path: Path) -> None:
    """The configuration file wins over the environment; a key file is read."""
    (tmp_path / "key").write_text(f"{KEY}\n")
    settings = ProviderSettings(base_url="http://here", api_key_file=str(tmp_path / "key"))
    found = accounts({"OPENAI_API_KEY": "other", "OPENAI_BASE_URL": "http://there"}, openai=settings)["openai"]
    assert (found.base_url, found.api_key) == ("http://here", KEY)


def test_own_provider() -> None:
    """A table of another name speaks OpenAI's API, with a key of its own name."""
    environ = {"OPENAI_API_KEY": "not this one", "MY_VLLM_API_KEY": KEY}
    providers = {"my-vllm": ProviderSettings(base_url="http://gpu:8000/v1")}
    found = configured_accounts(Sources(LlmSettings(), providers, environ))["my-vllm"]
    assert (found.kind, found.api_key) == ("openai", KEY)


def test_key_goes_to_its_own_provider_only() -> None:
    """A key from the environment is not sent to another server of the same kind."""
    settings = ProviderSettings(kind="openai", base_url="http://elsewhere/v1")
    assert accounts({"OPENAI_API_KEY": KEY}, other=settings)["other"].api_key == ""


def test_disabled() -> None:
    """What is switched off is not configured, whatever the environment says."""
    assert not accounts(
        {"OPENAI_API_KEY": KEY}, openai=ProviderSettings(enabled=False), ollama=ProviderSettings(enabled=False)
    )


def test_environment_file(tmp_path: Path) -> None:
    """Variables in the environment file stand before those of the process."""
    (tmp_path / "env").write_text(f"# keys\nexport OPENAI_API_KEY='{KEY}'\n")
    found = accounts({"OPENAI_API_KEY": "old"}, LlmSettings(environment_file=str(tmp_path / "env")))
    assert found["openai"].api_key == KEY


def test_credentials(tmp_path: Path) -> None:
    """Keys come from files that the environment names, and from systemd's credentials."""
    (tmp_path / "groq_api_key").write_text(KEY)
    (tmp_path / "file").write_text(KEY)
    found = accounts({"CREDENTIALS_DIRECTORY": str(tmp_path), "OPENAI_API_KEY_FILE": str(tmp_path / "file")})
    assert found["groq"].api_key == found["openai"].api_key == KEY


def test_deadlines() -> None:
    """A provider's deadlines stand in place of those of all."""
    llm = LlmSettings(deadlines=Deadlines(gap_seconds=1))
    found = accounts({"OPENAI_API_KEY": KEY}, llm, ollama=ProviderSettings(deadlines=Deadlines(gap_seconds=2)))
    assert (found["ollama"].deadlines.gap_seconds, found["openai"].deadlines.gap_seconds) == (2, 1)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("x", ProviderSettings(kind="telepathy"), "unknown kind 'telepathy'"),
        ("x", ProviderSettings(), "provider 'x' needs a base_url"),
        ("x/y", ProviderSettings(base_url="http://x"), "must not hold a slash"),
        ("x", ProviderSettings(base_url="gpu:8000"), "begins with http:// or https://"),
        ("x", ProviderSettings(base_url="http://gpu:99999"), "an address that is none"),
        ("openai", ProviderSettings(api_key_file="/nonexistent/key"), "cannot read /nonexistent/key"),
    ],
)
def test_wrong(name: str, settings: ProviderSettings, message: str) -> None:
    """What is wrong is said, with the provider's name."""
    with pytest.raises(Invalid, match=message):
        configured_accounts(Sources(LlmSettings(), {name: settings}, {}))


def test_no_key_in_sight() -> None:
    """Neither settings nor accounts show a key when they are printed."""
    settings = ProviderSettings(api_key=KEY, headers={"X-Key": KEY}, base_url="http://x")
    assert KEY not in f"{settings!r} {settings} {accounts(openai=settings)}"
