"""What one running site is made of: settings, profile, secrets, keyring, limits. Views fetch it, services get its parts."""

from dataclasses import dataclass
from functools import cached_property

from flask import current_app

from chat.kernel import crypto
from chat.kernel.keyring import Keyring
from chat.kernel.limits import Limits
from chat.kernel.profile import Profile, load_profile
from chat.kernel.secret_files import read_or_create
from chat.kernel.settings import Settings
from chat.kernel.signing import SigningKeys, new_signing_keys, parse_signing_keys

_EXTENSION = "candor"


@dataclass(frozen=True)
class Site:
    settings: Settings
    profile: Profile
    secret: str
    masters: crypto.MasterKeys
    keyring: Keyring
    limits: Limits
    signing: SigningKeys

    @cached_property
    def page_key(self) -> bytes:
        """What seals the conversation that the browser holds."""
        return crypto.derive(self.secret, "page")

    @cached_property
    def api_secret(self) -> bytes:
        """What API keys are hashed under."""
        return crypto.derive(self.secret, "api-keys")


def open_site(settings: Settings) -> Site:
    """Return the site of these settings, with its secrets made if they are missing. Raises StartRefused."""
    folder = settings.chat_instance
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    profile = load_profile(settings.chat_profile)
    secret = settings.chat_secret_key or read_or_create(folder / "secret.key", lambda: crypto.new_key().hex())
    masters = crypto.parse_master_keys(
        settings.chat_master_key or read_or_create(folder / "master.key", lambda: crypto.new_master_keys().dump())
    )
    keyring = Keyring(settings.chat_keyring_url or f"sqlite:///{folder / 'keyring.sqlite'}", masters)
    keyring.create_store()
    limits = Limits(crypto.derive(secret, "limits"), settings.redis_url)
    signing = parse_signing_keys(
        settings.chat_signing_key or read_or_create(folder / "signing.key", lambda: new_signing_keys().dump())
    )
    return Site(
        settings=settings, profile=profile, secret=secret, masters=masters, keyring=keyring, limits=limits, signing=signing
    )


def current_site() -> Site:
    """Return the site of the running application."""
    site: Site = current_app.extensions[_EXTENSION]
    return site


def mount_site(app_extensions: dict[str, object], site: Site) -> None:
    app_extensions[_EXTENSION] = site
