"""A wrong setting stops the start with its own name and what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from chat.factory import create_app
from chat.kernel.errors import StartRefused
from chat.kernel.settings import Settings, load_settings

STRONG = "kB8-_wq72LmZx0vRr5TtYy9NnPpQqSsUu3DdFfGg"


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("chat_secret_key", "changeme", "at least 32 random characters"),
        ("chat_secret_key", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "at least 32 random characters"),
        ("chat_secret_key", "short-but-random-9f3k", "leave it out"),
        ("chat_public_url", "chat.example.org", "https://chat.example.org"),
        ("chat_public_url", "http://chat.example.org", "must start with https://"),
        ("chat_public_url", "https://chat.example.org/sub", "with no path"),
        ("openai_base_url", "http://api.example.com/v1", "must start with https://"),
        ("anthropic_base_url", "not a url", "https://api.example.com"),
        ("database_url", "mysql://root@db/x", "postgresql:// or sqlite://"),
        ("redis_url", "localhost:6379", "redis://host:6379/0"),
        ("mail_url", "mail.example.org", "smtp://user:password@mail.example.org"),
        ("chat_log_level", "LOUD", "DEBUG, INFO, WARNING or ERROR"),
        ("chat_proxies", "many", "valid integer"),
        ("chat_proxies", "17", "less than or equal to 5"),
    ],
)
def test_a_wrong_value_names_its_key_and_the_remedy(name: str, value: str, remedy: str) -> None:
    with pytest.raises(StartRefused) as refused:
        load_settings(_env_file=None, **{name: value})

    assert str(refused.value).startswith(f"{name.upper()}: ")
    assert remedy in str(refused.value)


@pytest.mark.parametrize("name", ["chat_secret_key", "database_url", "redis_url", "mail_url", "openai_base_url"])
def test_a_refusal_does_not_repeat_the_value(name: str) -> None:
    value = "wrong://user:canary-password@host"[:31]

    with pytest.raises(StartRefused) as refused:
        load_settings(_env_file=None, **{name: value})

    assert "canary" not in str(refused.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(StartRefused) as refused:
        load_settings(_env_file=None, redis_url="x", chat_log_level="y")

    assert len(str(refused.value).splitlines()) == 2


def test_a_header_with_the_country_needs_a_proxy_that_writes_it() -> None:
    with pytest.raises(StartRefused, match="CHAT_COUNTRY_HEADER: needs CHAT_PROXIES"):
        load_settings(_env_file=None, chat_country_header="CF-IPCountry")

    assert load_settings(_env_file=None, chat_country_header="X-Country", chat_proxies=1).chat_country_header == "X-Country"


def test_mail_needs_the_sites_own_address() -> None:
    with pytest.raises(StartRefused, match="CHAT_PUBLIC_URL: must be set when MAIL_URL is"):
        load_settings(_env_file=None, mail_url="smtp://localhost:25")


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = load_settings(_env_file=None)
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), "")

    assert load_settings(_env_file=None) == usual


def test_the_environment_and_a_dotenv_file_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHAT_LOG_LEVEL=debug\nCHAT_PROXIES=2\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAT_PROXIES", "1")

    settings = load_settings()

    assert (settings.chat_log_level, settings.chat_proxies) == ("DEBUG", 1)


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_way_to_write_a_postgresql_url_uses_the_one_driver(url: str) -> None:
    assert load_settings(_env_file=None, database_url=url).database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("url", "is_public"), [(None, False), ("http://localhost:5000", False), ("https://chat.example.org", True)]
)
def test_a_site_is_public_when_its_address_is(url: str | None, *, is_public: bool) -> None:
    assert load_settings(_env_file=None, chat_public_url=url).is_public is is_public


def test_secrets_stay_out_of_the_settings_repr() -> None:
    settings = load_settings(
        _env_file=None,
        chat_secret_key=STRONG,
        chat_master_key="canary-master",
        database_url="postgresql://u:canary-password@h/d",
        openai_api_key="canary-key",
        anthropic_api_key="canary-key",
    )

    assert "canary" not in repr(settings)
    assert STRONG not in repr(settings)


def test_a_refused_start_ends_the_process_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CHAT_INSTANCE", str(tmp_path))
    monkeypatch.setenv("CHAT_SECRET_KEY", "changeme")

    with pytest.raises(SystemExit) as ended:
        create_app()

    said: Any = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("Candor does not start.\nCHAT_SECRET_KEY: ")
    assert "Traceback" not in said


def test_settings_cannot_be_changed_once_loaded() -> None:
    settings = load_settings(_env_file=None)

    with pytest.raises(ValueError, match="frozen"):
        settings.chat_profile = "other"


def test_every_setting_has_its_name_in_the_environment() -> None:
    assert all(name == name.lower() for name in Settings.model_fields)
