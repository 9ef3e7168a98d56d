"""What an operator can set or run is written down: a setting, a profile key or a command without words fails here."""

import re
from collections.abc import Iterator

import click
import pytest
from flask import Flask
from pydantic import BaseModel

from chat.kernel.profile import Profile
from chat.kernel.settings import ROOT, Settings

FILES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WORDS = "\n".join(path.read_text(encoding="utf-8") for path in FILES if path.exists())


@pytest.mark.parametrize("name", [name.upper() for name in Settings.model_fields])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in WORDS


def test_no_setting_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"`(CHAT_[A-Z_]+)`", WORDS))

    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_profile_key_is_documented_under_its_section() -> None:
    sections = _sections((ROOT / "docs" / "profiles.md").read_text(encoding="utf-8"))

    missing = [f"{section}.{key}" for section, key in _keys(Profile) if f"`{key}`" not in sections.get(section, "")]

    assert not missing, missing


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_command_is_documented(app: Flask) -> None:
    theirs = {"run", "shell", "routes", "db"}
    own = [path for name, command in app.cli.commands.items() if name not in theirs for path in _commands(name, command)]

    assert not [path for path in own if f"flask {path}" not in WORDS]


def _sections(text: str) -> dict[str, str]:
    """The text under each heading that names a section, like "## `[limits]`"."""
    parts = re.split(r"^#+ .*?\[+([\w.]+)\]+.*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _keys(model: type[BaseModel], section: str = "") -> Iterator[tuple[str, str]]:
    for name, described in model.model_fields.items():
        inner = [one for one in _types(described.annotation) if isinstance(one, type) and issubclass(one, BaseModel)]
        if inner and not section:
            yield from _keys(inner[0], name)
        else:
            yield section, name
            for one in inner:
                if section == "providers":
                    yield from ((section, key) for _section, key in _keys(one, section))


def _types(annotation: object) -> Iterator[object]:
    yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _types(inner)


def _commands(path: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(f"{path} {name}", inner)
    else:
        yield path
