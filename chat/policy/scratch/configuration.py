"""The running configuration, for an instance that may write nowhere but in its own folder and ask nobody but a stand-in."""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from chat.kernel.profile import Profile
from chat.kernel.settings import Settings

# What a scratch instance has of its own; everything else is the running site's.
_OWN = {
    "chat_instance", "chat_profile", "chat_secret_key", "chat_master_key", "chat_signing_key", "chat_keyring_url",
    "chat_log_level", "chat_embedded_model", "chat_embedded_projector", "chat_first_byte_seconds", "database_url", "mail_url",
    "openai_api_key", "openai_base_url", "anthropic_api_key", "anthropic_base_url",
}  # fmt: skip
_INHERITED = ("PATH", "VIRTUAL_ENV", "LANG", "LC_ALL")
# Two models that no site may offer, in every scratch instance behind the site's own: whoever is asked for them must refuse.
TRAP_THAT_TRAINS = "trap-trains"
TRAP_UNKNOWN = "trap-unknown"
_HERE = {"region": "this machine", "retention_days": 0, "trains": False, "checked": "2026-11-21"}


def write_configuration(
    folder: Path,
    settings: Settings,
    profile: Profile,
    *,
    provider_url: str,
    mail_url: str | None,
    own_url: str,
    database: str | None,
    source: Path,
) -> dict[str, str]:
    """Write the profile into `folder` and return the environment of the process that is to run it, from that source."""
    for part in ("instance", "temp", "home", "cwd"):
        (folder / part).mkdir()
    changed, keys = _with_stand_in(profile, provider_url)
    (folder / "profile.toml").write_text(as_toml(changed), encoding="utf-8")
    same = {name.upper(): str(value) for name, value in settings.model_dump().items() if name not in _OWN and value is not None}
    own = {
        "CHAT_INSTANCE": str(folder / "instance"),
        "CHAT_PROFILE": str(folder / "profile.toml"),
        "CHAT_LOG_LEVEL": "DEBUG",
        "CHAT_EMBEDDED_MODEL": "off",
        "CHAT_FIRST_BYTE_SECONDS": "4",
    }
    if database:
        own["DATABASE_URL"] = database
    if mail_url:
        own |= {"MAIL_URL": mail_url, "CHAT_PUBLIC_URL": settings.chat_public_url or own_url}
    return _bare(folder, source) | same | keys | own


def _bare(folder: Path, source: Path) -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temp"),
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "FLASK_SKIP_DOTENV": "1",
        # Where anything would reach for the network in spite of everything, it finds a closed door.
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1,localhost",
    }


def _with_stand_in(profile: Profile, url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the profile with every provider at the stand-in, and the environment that its keys come from."""
    data = profile.model_dump(mode="json", exclude_none=True)
    keys = {}
    is_any_open = False
    for provider in data["providers"]:
        if provider["kind"] in ("echo", "embedded"):
            # It answers on this machine; here the stand-in does, over the same protocol as the embedded engine's.
            provider |= {"kind": "openai", "base_url": f"{url}/v1"}
            is_any_open = is_any_open or "policy" in provider
            continue
        provider["base_url"] = url if provider["kind"] == "anthropic" else f"{url}/v1"
        provider.pop("base_url_env", None)
        if name := provider.get("key_env"):
            keys[name] = "key-of-the-stand-in"
    more = [_provider(TRAP_THAT_TRAINS, url, policy=_HERE | {"trains": True}), _provider(TRAP_UNKNOWN, url)]
    if not is_any_open and not keys:
        more.insert(0, _provider("stand-in", url, policy=_HERE))
    ours = {one["id"] for one in more}  # a scratch instance may verify itself, in one of its own
    data["providers"] = [*(one for one in data["providers"] if one["id"] not in ours), *more]
    return data, keys


def _provider(name: str, url: str, **policy: Any) -> dict[str, Any]:
    models = [{"id": name, "name": name, "upstream": name}]
    return {"id": name, "name": name, "kind": "openai", "base_url": f"{url}/v1", "models": models} | policy


def as_toml(data: Mapping[str, Any]) -> str:
    """Return `data` as a TOML file."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in data.items())


def _toml(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_toml(one) for one in value) + "]"
        case date():
            return value.isoformat()
        case _:
            return json.dumps(value)
