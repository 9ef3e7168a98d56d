"""A site's profile: who runs it, what it collects, keeps, offers and promises, as one TOML file.

The policy page, the retention rules, the forms and the model list all read this one object. What it does not state, the
site does not do: an unknown key or a contradiction stops the start.
"""

import tomllib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, EmailStr, Field, HttpUrl, ValidationError, field_validator, model_validator

from chat.kernel.errors import StartRefused
from chat.kernel.settings import secure_url

PROFILES = Path(__file__).resolve().parents[1] / "profiles"

# What this version of the software can do. A profile may name more; that is neither shown nor promised until it is here.
BUILT_METHODS = frozenset({"password"})
BUILT_FEATURES = frozenset({"history", "files", "support", "api"})

Days = Annotated[int, Field(ge=0)]
Method = Literal["password", "passkey", "google", "github", "oidc"]
Rate = Annotated[str, Field(pattern=r"^[1-9]\d*/(second|minute|hour|day)$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _at_most(days: int, most: int, promise: str) -> int:
    if days > most:
        raise ValueError(f"({days}) is longer than promised ({promise}): write {most} or less")
    return days


class Address(StrEnum):
    """How much of a caller's IP address may be written down."""

    FULL = "full"
    TRUNCATED = "truncated"
    NONE = "none"


class ProfileField(StrEnum):
    """What a person may tell about themselves beyond what an account needs, where the profile has room for it."""

    COMPANY = "company"
    JOB_TITLE = "job_title"
    WEBSITE = "website"


class CookieKind(StrEnum):
    ESSENTIAL = "essential"
    PREFERENCE = "preference"
    ANALYTICS = "analytics"


class Contact(_Section):
    name: str
    address: str = ""
    email: EmailStr | None = None
    phone: str = ""
    url: HttpUrl | None = None


class Site(_Section):
    name: str
    tagline: str
    language: str = "en"
    policy_date: date
    security_contact: str = ""


class Law(_Section):
    """Who answers for the site, and to whom one may complain."""

    controller: Contact
    authority: Contact | None = None
    dpo: Contact | None = None
    minimum_age: int = Field(le=21)
    regions: tuple[str, ...]

    @field_validator("minimum_age")
    @classmethod
    def _no_children(cls, value: int) -> int:
        if value < 13:
            raise ValueError(f"({value}) is below what every site promises (age-minimum): write 13 or more")
        return value


class SignIn(_Section):
    guests: bool
    registration: Literal["open", "closed"]
    methods: tuple[Method, ...]

    @property
    def offered(self) -> tuple[Method, ...]:
        """The ways to sign in that are shown: those the profile names and this version has."""
        return tuple(one for one in self.methods if one in BUILT_METHODS)

    @property
    def is_open(self) -> bool:
        """Whether anybody may make an account here now."""
        return self.registration == "open" and "password" in self.offered


class Features(_Section):
    history: bool
    files: bool
    api: bool = False
    billing: bool = False
    assistants: bool = False
    support: bool = False
    organizations: bool = False

    def offers(self, name: str) -> bool:
        """Whether the site has this now: the profile switches it on, and this version can do it."""
        return name in BUILT_FEATURES and bool(getattr(self, name))


class Collect(_Section):
    address: Address
    country: bool = False
    profile_fields: tuple[ProfileField, ...] = ()


class Retention(_Section):
    """How long each category lives, in days unless it says otherwise; 0 means that it is never written."""

    request_logs: Days
    usage_totals: Days
    history: Days
    history_longest: Days
    diagnostics: Days
    sessions: Days
    deleted_accounts: Days
    requests: Days = 365  # counted from the answer
    billing_years: Annotated[int, Field(ge=0)] = 0
    # How long the operator's backups live. The software cannot see them: what is stated here, certificates repeat.
    backups: Days | None = None
    key_backups: Days | None = None

    @field_validator("request_logs")
    @classmethod
    def _logs_as_promised(cls, value: int) -> int:
        return _at_most(value, 30, "keep-logs")

    @field_validator("deleted_accounts")
    @classmethod
    def _gone_as_promised(cls, value: int) -> int:
        return _at_most(value, 30, "keep-deleted")

    @model_validator(mode="after")
    def _default_within_limit(self) -> Self:
        if self.history > self.history_longest:
            raise ValueError(f"history ({self.history}) must not be above history_longest ({self.history_longest})")
        return self


class Cookies(_Section):
    kinds: tuple[CookieKind, ...]
    analytics: bool = False

    @model_validator(mode="after")
    def _no_hidden_kind(self) -> Self:
        if CookieKind.ESSENTIAL not in self.kinds:
            raise ValueError('kinds must contain "essential": signing in needs a session cookie')
        if self.analytics and CookieKind.ANALYTICS not in self.kinds:
            raise ValueError(
                'analytics = true needs "analytics" among kinds; with essential cookies only, write analytics = false'
            )
        return self


class Consents(_Section):
    offered: tuple[Literal["history", "improvement", "diagnostics", "preference_cookies", "analytics", "product_updates"], ...]


class Notices(_Section):
    material_change_days: Days
    sensitive_data: str = ""

    @field_validator("material_change_days")
    @classmethod
    def _announced_in_time(cls, value: int) -> int:
        if value < 14:
            raise ValueError(f"({value}) is shorter than promised (change-notice): write 14 or more")
        return value


class Limits(_Section):
    """Rates per window, and the largest things one may send."""

    guest_messages: Rate
    account_messages: Rate
    model_messages: Rate
    api_requests: Rate = "6000/minute"
    api_megabytes: Annotated[int, Field(ge=1, le=100)] = 32
    sign_in: Rate
    upload_megabytes: Annotated[int, Field(ge=1, le=25)]
    files_per_message: Annotated[int, Field(ge=1, le=20)]
    pdf_pages: Annotated[int, Field(ge=1, le=1000)]


class Subprocessor(_Section):
    name: str
    purpose: str
    region: str
    url: HttpUrl | None = None


class PolicyOfModel(_Section):
    """What a provider does with what it is sent. A model without all of this is not offered."""

    region: str
    retention_days: Annotated[int, Field(ge=0)]
    trains: bool
    url: HttpUrl | None = None  # None only where nothing leaves this machine
    checked: date


class PriceOfModel(_Section):
    """Millionths of a US dollar for a million tokens: 1250000 is $1.25. Without it the catalogue's price counts."""

    input: Annotated[int, Field(ge=0)]
    output: Annotated[int, Field(ge=0)]
    cached_input: Annotated[int, Field(ge=0)] | None = None


class ModelOfProvider(_Section):
    """A model that people may choose: our id for it, the provider's name, and what it can take."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    name: str
    upstream: str
    images: bool = False
    reasoning: bool = False
    context: Annotated[int, Field(ge=256)] = 8192
    longest_answer: Annotated[int, Field(ge=16)] = 4096
    price: PriceOfModel | None = None


class ProviderOfSite(_Section):
    """A connected provider. `key` and `base_url` name environment variables, so that a profile holds no secret."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    name: str
    kind: Literal["openai", "anthropic", "embedded", "echo"]
    base_url: str | None = None
    base_url_env: str | None = None
    key_env: str | None = None
    policy: PolicyOfModel | None = None
    models: tuple[ModelOfProvider, ...]

    @field_validator("base_url")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        return None if value is None else secure_url(value)


class ModelOfRoute(_Section):
    id: str
    weight: Annotated[int, Field(ge=0, le=1000)] | None = None


class RouteOfSite(_Section):
    """A name that stands for several models: one is asked first, the others where that one cannot answer."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    models: Annotated[tuple[ModelOfRoute, ...], Field(min_length=1)]

    @property
    def weights(self) -> tuple[int, ...]:
        """How often each is asked first: as the weights say; without any, always the first."""
        if all(one.weight is None for one in self.models):
            return (1, *(0 for _ in self.models[1:]))
        return tuple(one.weight or 0 for one in self.models)

    @model_validator(mode="after")
    def _somebody_is_first(self) -> Self:
        ids = [one.id for one in self.models]
        if len(set(ids)) < len(ids):
            raise ValueError(f"the route {self.name} names a model twice")
        if not any(self.weights):
            raise ValueError(f"the route {self.name} has no model with a weight above 0: nobody would be asked first")
        return self


class DemandsOfSite(_Section):
    """What the site demands of every provider it connects; that none trains on content it always demands."""

    zero_retention: bool = False
    regions: tuple[str, ...] = ()


class Profile(_Section):
    """The whole profile; `load_profile()` reads it and turns what is wrong into StartRefused."""

    site: Site
    law: Law
    sign_in: SignIn
    features: Features
    collect: Collect
    retention: Retention
    cookies: Cookies
    consents: Consents
    notices: Notices
    limits: Limits
    subprocessors: tuple[Subprocessor, ...] = ()
    providers: tuple[ProviderOfSite, ...]
    demands: DemandsOfSite = DemandsOfSite()
    routes: tuple[RouteOfSite, ...] = ()

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        ids = {model.id for provider in self.providers for model in provider.models}
        names = [route.name for route in self.routes]
        if doubled := sorted({one for one in names if names.count(one) > 1 or one in ids}):
            raise ValueError(f"routes: the names {', '.join(doubled)} are used twice, or are models' own")
        for route in self.routes:
            if unknown := sorted({one.id for one in route.models} - ids):
                raise ValueError(f"routes: {route.name} names {', '.join(unknown)}, which no provider has")
        return self

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        if self.features.history and "history" not in self.consents.offered:
            raise ValueError('features.history = true needs "history" in consents.offered: nothing is kept without consent')
        if self.features.history and not self.retention.history:
            raise ValueError("features.history = true needs retention.history above 0: what is kept 0 days is never written")
        if self.cookies.analytics and "analytics" not in self.consents.offered:
            raise ValueError('cookies.analytics = true needs "analytics" in consents.offered: nobody is counted unasked')
        for consent, (key, is_on) in _what_consents_are_about(self).items():
            if consent in self.consents.offered and not is_on:
                raise ValueError(f'consents.offered names "{consent}", but {key}: remove the one or correct the other')
        ids = [model.id for provider in self.providers for model in provider.models]
        if doubled := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"providers: the model ids {', '.join(doubled)} are used twice")
        return self


def _what_consents_are_about(profile: Profile) -> dict[str, tuple[str, bool]]:
    """Return for each consent what is wrong where it has no object, and whether it has one: nobody is asked for nothing."""
    history = ("features.history = false", profile.features.history)
    kinds = profile.cookies.kinds
    return {
        "history": history,
        "improvement": history,  # only what is saved can be learned from
        "diagnostics": ("retention.diagnostics = 0", profile.retention.diagnostics > 0),
        "preference_cookies": ('cookies.kinds lacks "preference"', CookieKind.PREFERENCE in kinds),
        "analytics": (
            'cookies.kinds lacks "analytics", or cookies.analytics = false',
            CookieKind.ANALYTICS in kinds and profile.cookies.analytics,
        ),
    }


def load_profile(name: str) -> Profile:
    """Return the profile called `name`, or the one in the file at that path. Raises StartRefused naming key and remedy."""
    path = Path(name).expanduser() if "/" in name or name.endswith(".toml") else PROFILES / f"{name}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(sorted(one.stem for one in PROFILES.glob("*.toml")))
        raise StartRefused(
            f"CHAT_PROFILE: there is no profile {name!r}; write one of {known}, or the path of a TOML file"
        ) from None
    except OSError as error:
        raise StartRefused(f"CHAT_PROFILE: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartRefused(f"CHAT_PROFILE: {path} is not valid TOML: {error}") from None
    try:
        return Profile.model_validate(raw)
    except ValidationError as error:
        lines = (f"  {'.'.join(map(str, one['loc'])) or 'profile'}: {_plain(one['msg'])}" for one in error.errors())
        raise StartRefused(f"CHAT_PROFILE: {path} cannot be used:\n" + "\n".join(lines)) from None


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return {
        "Field required": "is missing; write it (profiles/default.toml shows each key)",
        "Extra inputs are not permitted": "is not a known key; remove it or correct its spelling",
    }.get(text, text)
