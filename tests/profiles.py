"""Site profiles for tests: the default one with some keys changed, written as a file like an operator's."""

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from chat.kernel.profile import PROFILES


def write_profile(path: Path, changes: Mapping[str, Any]) -> Path:
    """Write the default profile with `changes` like {"limits.sign_in": "3/minute"} to `path`; None removes a key."""
    profile = tomllib.loads((PROFILES / "default.toml").read_text(encoding="utf-8"))
    for dotted, value in changes.items():
        *parents, last = dotted.split(".")
        section = profile
        for name in parents:
            section = section.setdefault(name, {})
        if value is None:
            del section[last]
        else:
            section[last] = value
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in profile.items()), encoding="utf-8")
    return path


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
