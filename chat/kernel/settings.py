"""The operator's settings: environment variables, or the same names in `.env`.

A wrong setting stops the start with the variable's name and what to write instead.
"""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chat.kernel.errors import StartRefused

ROOT = Path(__file__).resolve().parents[2]
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_WEAK = ("changeme", "change-me", "secret", "password", "dev", "development", "test", "candor", "default")
_SHORTEST_SECRET = 32


class Settings(BaseSettings):
    """Every setting, typed; `load_settings()` builds it and turns what is wrong into `StartRefused`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    chat_instance: Path = ROOT / "instance"
    chat_profile: str = "default"
    chat_secret_key: str | None = Field(default=None, repr=False)
    chat_master_key: str | None = Field(default=None, repr=False)
    chat_signing_key: str | None = Field(default=None, repr=False)
    chat_public_url: str | None = None
    chat_embedded_model: str = "smollm2"
    chat_embedded_projector: Path | None = None  # what lets that model see
    chat_log_level: str = "INFO"
    chat_first_byte_seconds: float = Field(default=120, ge=1, le=3600)  # how long a provider may think before it says a word
    chat_proxies: int = Field(default=0, ge=0, le=5)  # how many reverse proxies of ours stand in front
    chat_country_header: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")  # set by that proxy
    chat_keyring_url: str | None = Field(default=None, repr=False)
    database_url: str | None = Field(default=None, repr=False)
    redis_url: str | None = Field(default=None, repr=False)
    mail_url: str | None = Field(default=None, repr=False)
    openai_api_key: str | None = Field(default=None, repr=False)
    openai_base_url: str | None = None
    anthropic_api_key: str | None = Field(default=None, repr=False)
    anthropic_base_url: str | None = None

    @field_validator("chat_instance", "chat_embedded_projector", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return value and value.expanduser().resolve()

    @field_validator("chat_secret_key")
    @classmethod
    def _strong(cls, value: str | None) -> str | None:
        if value is not None and (len(value) < _SHORTEST_SECRET or value.lower() in _WEAK or len(set(value)) < 10):
            raise ValueError(
                f"is too weak to sign sessions with: write at least {_SHORTEST_SECRET} random characters, "
                'for example from `python -c "import secrets; print(secrets.token_urlsafe(48))"`, '
                "or leave it out and one is made in the instance folder"
            )
        return value

    @field_validator("chat_public_url")
    @classmethod
    def _public_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("must be the site's origin, like https://chat.example.org, with no path")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must start with https:// unless the host is on loopback: people send private text to it")
        return value.rstrip("/")

    @field_validator("openai_base_url", "anthropic_base_url")
    @classmethod
    def _provider_url(cls, value: str | None) -> str | None:
        return None if value is None else secure_url(value)

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition("://")
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            return f"postgresql+psycopg://{rest}"
        if scheme == "sqlite":
            return value
        raise ValueError("must start with postgresql:// or sqlite:// (or be left out, for SQLite in the instance folder)")

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must look like redis://host:6379/0")
        return value

    @field_validator("mail_url")
    @classmethod
    def _mail(cls, value: str | None) -> str | None:
        if value is not None and (
            urlsplit(value).scheme not in ("smtp", "smtps", "smtp+starttls") or not urlsplit(value).hostname
        ):
            raise ValueError("must look like smtp://user:password@mail.example.org:587?from=chat@example.org")
        return value

    @field_validator("chat_log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @model_validator(mode="after")
    def _mail_needs_origin(self) -> Self:
        # Links in mails are built from the configured origin, never from the Host header of whoever asked.
        if self.mail_url and not self.chat_public_url:
            raise ValueError("CHAT_PUBLIC_URL: must be set when MAIL_URL is, so that links in mails lead to this site")
        return self

    @model_validator(mode="after")
    def _country_needs_proxy(self) -> Self:
        if self.chat_country_header and not self.chat_proxies:
            raise ValueError(
                "CHAT_COUNTRY_HEADER: needs CHAT_PROXIES above 0; without a proxy of yours anybody could write that header"
            )
        return self

    @property
    def is_public(self) -> bool:
        """Whether people outside this machine are meant to reach the site."""
        return self.chat_public_url is not None and urlsplit(self.chat_public_url).hostname not in _LOOPBACK

    @property
    def uses_https(self) -> bool:
        return self.chat_public_url is not None and self.chat_public_url.startswith("https://")


def secure_url(value: str) -> str:
    """Return `value` without a trailing slash. Raises ValueError unless it is https, or http on loopback."""
    parts = urlsplit(value)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("must be a URL like https://api.example.com/v1")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must start with https:// unless the host is on loopback: prompts travel over it")
    return value.rstrip("/")


def load_settings(**overrides: object) -> Settings:
    """Return the settings of the environment with `overrides` over them. Raises StartRefused naming what is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks each value itself
    except ValidationError as error:
        raise StartRefused("\n".join(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())) from None


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{'.'.join(map(str, where)).upper()}: {text}" if where else text
